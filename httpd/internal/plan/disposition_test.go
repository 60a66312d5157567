package plan_test

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/httpd/internal/plan"
)

func TestAttachment(t *testing.T) {
	for name, want := range map[string]string{
		"a.txt":          `attachment; filename="a.txt"`,
		"a b;c.txt":      `attachment; filename="a b;c.txt"`,
		"naïve €.txt":    `attachment; filename="na_ve _.txt"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt`,
		`say "hi"\.txt`:  `attachment; filename="say _hi__.txt"; filename*=UTF-8''say%20%22hi%22%5C.txt`,
		"100%25.txt":     `attachment; filename="100_25.txt"; filename*=UTF-8''100%2525.txt`,
		"a\r\nX-Evil: 1": `attachment; filename="a__X-Evil: 1"; filename*=UTF-8''a%0D%0AX-Evil%3A%201`,
		"latin\xe9.txt":  `attachment; filename="latin_.txt"; filename*=UTF-8''latin%EF%BF%BD.txt`,
	} {
		if got := plan.Attachment(name); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", name, got, want)
		}
	}
}

func FuzzAttachment(f *testing.F) {
	f.Add("a.txt")
	f.Add("€'%\"\\\x00")
	f.Fuzz(func(t *testing.T, name string) {
		value := plan.Attachment(name)
		if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Errorf("%q: %q is not printable ASCII", name, value)
		}
		disposition, params, err := mime.ParseMediaType(value)
		if err != nil || disposition != "attachment" {
			t.Fatalf("%q: %s: %v", name, value, err)
		}
		if utf8.ValidString(name) && params["filename"] != name {
			t.Errorf("%q came back as %q", name, params["filename"])
		}
	})
}
