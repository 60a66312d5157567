package nettest_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"sluice/internal/nettest"
)

func TestSum(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		r    io.Reader
		want nettest.Got
	}{
		{"to the end", nettest.Pattern(100_000), nettest.Got{N: 100_000, SHA256: nettest.PatternSum(0, 100_000)}},
		{"of nothing", strings.NewReader(""), nettest.Got{SHA256: nettest.PatternSum(0, 0)}},
		{
			"up to an error",
			io.MultiReader(nettest.Pattern(7), iotest.ErrReader(broken)),
			nettest.Got{N: 7, SHA256: nettest.PatternSum(0, 7), Err: broken},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := <-nettest.Sum(t, tt.r); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTrickle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pause = time.Second
		r := nettest.Trickle(strings.NewReader("abcdefg"), 3, pause)
		buf := make([]byte, 5)
		start := time.Now()
		for i, want := range []string{"abc", "def", "g", ""} {
			n, err := r.Read(buf)
			if got := string(buf[:n]); got != want || (err != nil) != (want == "") {
				t.Errorf("read %d = %q, %v, want %q", i, got, err, want)
			}
			if got, want := time.Since(start), time.Duration(i)*pause; got != want {
				t.Errorf("read %d came after %v, want %v", i, got, want)
			}
		}
	})
}
