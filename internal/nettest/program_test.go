package nettest_test

import (
	"fmt"
	"os"
	"testing"

	"sluice/internal/nettest"
)

// A verdict is a testing.TB that records how the test was ended.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Fatalf(format string, args ...any) { v.end("failed", format, args) }
func (v *verdict) Skipf(format string, args ...any)  { v.end("skipped", format, args) }

func (v *verdict) end(how, format string, args []any) {
	if v.said == "" { // a real test ends with the first call
		v.said = how + ": " + fmt.Sprintf(format, args...)
	}
}

func TestNeedsProgram(t *testing.T) {
	own, err := os.Executable() // a program that always exists
	if err != nil {
		t.Fatal(err)
	}
	const missing = "no-such-program is not installed: apt-get install none"
	for _, tt := range []struct{ name, ci, program, want string }{
		{"skips without CI", "", "no-such-program", "skipped: " + missing},
		{"fails with CI", "true", "no-such-program", "failed: " + missing},
		{"accepts an installed program", "true", own, ""},
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
