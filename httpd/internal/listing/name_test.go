package listing_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sluice/httpd/internal/listing"
)

func TestNamesAreShownAsWhatTheyAre(t *testing.T) {
	for _, tt := range []struct{ name, of, want string }{
		{"ASCII stands for itself", "a <b> & 'c'.txt", "a &lt;b&gt; &amp; &#39;c&#39;.txt"},
		{"other characters stand apart", "Grüße", "<bdi>Grüße</bdi>"},
		{"a byte that is no UTF-8", "caf\xe9", "<bdi>caf\uFFFD</bdi>"},
		{"a change of direction", "evil\u202efdp.exe", `<bdi>evil\u202efdp.exe</bdi>`},
		{"an isolate", "a\u2066b", `<bdi>a\u2066b</bdi>`},
		{"a mark of direction", "a\u200fb", `<bdi>a\u200fb</bdi>`},
		{"a line break", "a\nb", `<bdi>a\u000ab</bdi>`},
		{"a separator of lines", "a\u2028b", `<bdi>a\u2028b</bdi>`},
		{"an escape sequence", "\x1b[31mred", `<bdi>\u001b[31mred</bdi>`},
		{"a control character above ASCII", "a\u009bb", `<bdi>a\u009bb</bdi>`},
		{"Arabic keeps its letters", "ملف", "<bdi>ملف</bdi>"},
	} {
		if got := listing.HTML(tt.of); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestListingsAreUTF8AndLinksAreExact(t *testing.T) {
	const name, link = "caf\xe9 \u202efdp\u009b.exe", "caf%E9%20%E2%80%AEfdp%C2%9B.exe"
	if searched, _ := write(t, "/d\xe9\u202e/", "search=\xff", files("x")); !utf8.ValidString(searched) {
		t.Error("a search for a byte makes the page no valid UTF-8")
	}
	page, text := write(t, "/d\xe9\u202e/", "", files(name))
	list := plain(t, "/d\xe9\u202e/", "", files(name))
	for kind, got := range map[string]string{"the page": page, "the plain page": list, "JSON": text} {
		if !utf8.ValidString(got) {
			t.Errorf("%s is not valid UTF-8", kind)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) }); i >= 0 {
			t.Errorf("%s has the character %q", kind, got[i:i+4])
		}
		if !strings.Contains(got, link) {
			t.Errorf("%s has no link %s:\n%s", kind, link, got)
		}
	}
	var entries []struct{ Name string }
	if err := json.Unmarshal([]byte(text), &entries); err != nil || entries[0].Name != strings.ToValidUTF8(name, "\uFFFD") {
		t.Errorf("JSON: %q, %v", entries, err)
	}
}
