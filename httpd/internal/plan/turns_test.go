package plan_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/httpd/internal/plan"
	"sluice/internal/budget"
)

// stranger is the party of a client that has taken everything.
var stranger = budget.Party{Client: netip.MustParseAddr("192.0.2.66")}

// busy returns a Budget in which the stranger holds all turns of a Pool, and there are no places to wait, or some.
func busy(t *testing.T, pool func(*budget.Budget) *budget.Pool, places int) *budget.Budget {
	t.Helper()
	b := budget.New()
	pool(b).SetBounds(budget.Bounds{Size: 1, Queue: places})
	if _, err := pool(b).TryTake(stranger, 1); err != nil {
		t.Fatal(err)
	}
	return b
}

func checksums(b *budget.Budget) *budget.Pool { return b.Checksums }

// statusOf returns the response to a request and its entity tag.
func statusOf(t *testing.T, p *plan.Planner, r *plan.Request) (status int, header plan.Header, etag string) {
	t.Helper()
	pl := p.Plan(r, plan.Lookup{})
	resp := pl.Respond(t.Context())
	defer resp.Release()
	for _, f := range resp.Header {
		if f.Name == "Etag" || f.Name == "ETag" {
			etag = f.Value
		}
	}
	return resp.Status, resp.Header, etag
}

func TestAFileDoesNotWaitLongForATagOfItsContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := plan.Config{ContentETags: true, Budget: budget.New()}
		_, _, ofContent := statusOf(t, planner(t, config, "/f.txt"), target("/f.txt"))
		config.Budget = busy(t, checksums, 10)
		p := planner(t, config, "/f.txt")
		r, begun := target("/f.txt"), time.Now()
		r.Waits = new(budget.Tally)
		status, _, etag := statusOf(t, p, r)
		if took := time.Since(begun); status != 200 || etag == "" || etag == ofContent || took > time.Second {
			t.Errorf("status %d with the tag %s after %v, want 200 with another tag than %s soon", status, etag, took, ofContent)
		}
		if waited, longest := r.Waits.Waited(); waited == 0 || longest.By != stranger {
			t.Errorf("it waited %v, %+v, want the wait for the stranger", waited, longest)
		}
	})
}

func TestWithoutAPlaceToWaitTheAnswerIs503(t *testing.T) {
	for _, tt := range []struct {
		target string
		pool   func(*budget.Budget) *budget.Pool
		reason string
	}{
		{"/a/f.txt?sha256", checksums, "too many checksums of all clients"},
		{"/a/?zip", func(b *budget.Budget) *budget.Pool { return b.Archives }, "too many archives of all clients"},
		{"/a/?tar", func(b *budget.Budget) *budget.Pool { return b.Entries }, "too many files in archives of all clients"},
		{"/a/", func(b *budget.Budget) *budget.Pool { return b.Listings }, "too many listings of all clients"},
	} {
		t.Run(strings.ReplaceAll(tt.target, "/", "_"), func(t *testing.T) {
			p := planner(t, plan.Config{Archives: true, Budget: busy(t, tt.pool, 0)}, "/a/f.txt")
			r := target(tt.target)
			r.Waits = new(budget.Tally)
			status, header, _ := statusOf(t, p, r)
			var after string
			for _, f := range header {
				if f.Name == "Retry-After" {
					after = f.Value
				}
			}
			if status != 503 || after == "" {
				t.Errorf("status %d with Retry-After %q, want 503 with a time", status, after)
			}
			if why := r.Waits.Refused(); why == nil || why.Error() != tt.reason || why.By != stranger || !errors.As(error(why), new(*budget.Refusal)) {
				t.Errorf("the reason is %v, want %s", why, tt.reason)
			}
		})
	}
}
