package control_test

import (
	"strings"
	"testing"

	"sluice/ftpd/internal/control"
)

func TestReplies(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    control.Reply
		want string
	}{
		{"none", control.Reply{}, ""},
		{"one line", control.NewReply(220, "Hi"), "220 Hi\r\n"},
		{"no text", control.NewReply(226, ""), "226 \r\n"},
		{"two lines", control.NewReply(220, "Hi", "there"), "220-Hi\r\n220 there\r\n"},
		{"three lines", control.NewReply(250, "File", "a", "End"), "250-File\r\n a\r\n250 End\r\n"},
		{"a line with the code of another reply", control.NewReply(250, "File", "226 a", "End"), "250-File\r\n 226 a\r\n250 End\r\n"},
		{"control characters", control.NewReply(550, "a\x1b\r\n226 b"), "550 a???226 b\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(tt.r.Append([]byte("before|"))); got != "before|"+tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := tt.r.IsZero(); got != (tt.want == "") {
				t.Errorf("IsZero = %v", got)
			}
		})
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\r\nb\x00\x1b\x7fü\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := string(control.AppendPrintable(nil, text))
		if len(got) != len(text) || strings.ContainsAny(got, "\r\n\x00\x1b\x7f") {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
