package nettest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// A slow request arrives whole, as its answer does, after the time that its bytes need.
func TestASlowRequestTakesItsTime(t *testing.T) {
	content := make([]byte, 40_000)
	nettest.PatternAt(content, 0)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(got)
	}))
	defer echo.Close()
	p := nettest.NewFaultProxy(t, echo.URL)
	for name, tt := range map[string]struct {
		slow    nettest.Slowness
		atLeast time.Duration
	}{
		"a delay":        {nettest.Slowness{Delay: 200 * time.Millisecond}, 200 * time.Millisecond},
		"a trickle":      {nettest.Slowness{Rate: 400_000}, 180 * time.Millisecond}, // a step less of each body
		"both":           {nettest.Slowness{Delay: 100 * time.Millisecond, Rate: 400_000}, 280 * time.Millisecond},
		"no fault of it": {},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.atLeast > 0 {
				p.Break(&nettest.Fault{Times: 1, Slow: tt.slow})
			}
			begun := time.Now()
			resp, err := http.Post(p.URL, "text/plain", bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if took := time.Since(begun); took < tt.atLeast {
				t.Errorf("it took %v, want %v or more", took, tt.atLeast)
			}
		})
	}
}
