package nettest_test

import (
	"fmt"
	"os"
	"testing"

	"sluice/internal/nettest"
)

// A verdict is a test that writes down how it was ended.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Fatalf(format string, args ...any) { v.end("failed", format, args) }
func (v *verdict) Skipf(format string, args ...any)  { v.end("skipped", format, args) }

func (v *verdict) end(how, format string, args []any) {
	if v.said == "" { // a real test ends with the first
		v.said = how + ": " + fmt.Sprintf(format, args...)
	}
}

func TestNeedsProgram(t *testing.T) {
	own, err := os.Executable() // a program that is there wherever tests run
	if err != nil {
		t.Fatal(err)
	}
	const missing = "no-such-program is not installed: apt-get install none"
	for _, tt := range []struct{ name, ci, program, want string }{
		{"skips where anybody works", "", "no-such-program", "skipped: " + missing},
		{"fails where all is installed", "true", "no-such-program", "failed: " + missing},
		{"accepts what is there", "true", own, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("CI", tt.ci)
			v := &verdict{TB: t}
			nettest.NeedsProgram(v, tt.program, "none")
			if v.said != tt.want {
				t.Errorf("got %q, want %q", v.said, tt.want)
			}
		})
	}
}
