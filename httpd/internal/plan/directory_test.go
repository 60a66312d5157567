package plan_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sluice/httpd/internal/plan"
	"sluice/internal/budget"
)

// respond returns the response to a request, and its body.
func respond(t *testing.T, p *plan.Planner, r *plan.Request) (plan.Response, string) {
	t.Helper()
	pl := p.Plan(r, plan.Lookup{})
	resp := pl.Respond(t.Context())
	defer resp.Release()
	s := new(sink)
	if err := resp.Body.WriteTo(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return resp, s.String()
}

func field(h plan.Header, name string) string {
	for _, f := range h {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func TestTheAcceptFieldDecidesHowAListingLooks(t *testing.T) {
	const program, page, json = `<pre><a href="../">`, "<form><input", `[`
	p := planner(t, plan.Config{Archives: true}, "/a/f.txt")
	tags := map[string]string{}
	for _, tt := range []struct{ client, accept, want string }{
		{"rclone", "", program},
		{"curl, wget, lftp, httpdirfs, Kodi", "*/*", program},
		{"aria2", "*/*,application/metalink4+xml,application/metalink+xml", program},
		{"an old Internet Explorer", "image/gif, image/jpeg, */*", program},
		{"a program that refuses HTML", "text/html;q=0, */*", json},
		{"a program that takes all text", "text/*", program},
		{"Chromium", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7", page},
		{"Firefox, Safari, wget2", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", page},
		{"w3m", "text/html, text/*;q=0.5, image/*, application/*", page},
		{"capitals", "Text/HTML", page},
		{"a script", "application/json", json},
		{"a script that takes all else too", "application/json, */*;q=0.1", json},
		{"a page of HTML as well as JSON", "application/json, text/html", page},
	} {
		t.Run(tt.client, func(t *testing.T) {
			resp, body := respond(t, p, target("/a/", "Accept", tt.accept))
			if resp.Status != 200 || !strings.Contains(body, tt.want) || (tt.want == json) != strings.HasPrefix(body, json) {
				t.Fatalf("%d with %q in the place of %q", resp.Status, body, tt.want)
			}
			if vary := field(resp.Header, "Vary"); vary != "Accept" {
				t.Errorf("Vary is %q", vary)
			}
			etag := field(resp.Header, "Etag")
			if known, ok := tags[tt.want]; ok && known != etag || etag == "" {
				t.Errorf("Etag is %s, and was %s", etag, known)
			}
			tags[tt.want] = etag

			for format, known := range tags {
				resp, body := respond(t, p, target("/a/", "Accept", tt.accept, "If-None-Match", known))
				status := 200
				if format == tt.want {
					status = 304
				}
				if resp.Status != status || (body == "") != (status == 304) || field(resp.Header, "Vary") != "Accept" {
					t.Errorf("with the tag of %q: %d with %d bytes, %v, want %d", format, resp.Status, len(body), resp.Header, status)
				}
			}
		})
	}
}

func TestListingsAreCompressedInEveryFormat(t *testing.T) {
	p := planner(t, plan.Config{CompressListings: true}, "/a/f.txt")
	for _, accept := range []string{"", "text/html", "application/json"} {
		resp, body := respond(t, p, target("/a/", "Accept", accept, "Accept-Encoding", "gzip"))
		if field(resp.Header, "Vary") != "Accept, Accept-Encoding" || field(resp.Header, "Content-Encoding") != "gzip" || !bytes.HasPrefix([]byte(body), []byte("\x1f\x8b")) {
			t.Errorf("Accept: %s: %v with %.10q", accept, resp.Header, body)
		}
	}
}

// Encoders take much memory, which clients that read slowly keep.
func TestAListingIsSentUncompressedIfTooManyOthersAreCompressed(t *testing.T) {
	p := planner(t, plan.Config{CompressListings: true}, "/a/f.txt")
	p.Budget.Encoders.SetBounds(budget.Bounds{Size: 1})
	r := target("/a/", "Accept-Encoding", "gzip")
	pl := p.Plan(r, plan.Lookup{})
	first := pl.Respond(t.Context())
	for _, want := range []string{"", "gzip"} {
		resp, body := respond(t, p, r)
		if field(resp.Header, "Vary") != "Accept, Accept-Encoding" || field(resp.Header, "Content-Encoding") != want || strings.Contains(body, "f.txt") != (want == "") {
			t.Errorf("%v with %.10q, want the encoding %q", resp.Header, body, want)
		}
		first.Release()
	}
}

func TestAClientThatHoldsManyListingsTakesThemFromNobodyElse(t *testing.T) {
	var files []string
	for i := range 600 {
		files = append(files, fmt.Sprintf("/a/%d", i))
	}
	p := planner(t, plan.Config{}, append(files, "/small/f")...)
	p.Budget.Listed.SetBounds(budget.Bounds{Size: 10_000, PerClient: 700})
	from := func(client, path string) *plan.Request {
		r := target(path)
		r.Client = netip.MustParseAddr(client)
		return r
	}
	pl := p.Plan(from("192.0.2.1", "/a/"), plan.Lookup{})
	slow := pl.Respond(t.Context())
	for _, tt := range []struct {
		client, path string
		want         int
	}{
		{"192.0.2.1", "/a/", 503}, {"192.0.2.1", "/small/", 200}, {"192.0.2.1", "/a/?limit=10", 200}, {"192.0.2.2", "/a/", 200},
	} {
		if resp, _ := respond(t, p, from(tt.client, tt.path)); resp.Status != tt.want {
			t.Errorf("%s for %s is %d, want %d", tt.path, tt.client, resp.Status, tt.want)
		}
	}
	slow.Release()
	if resp, _ := respond(t, p, from("192.0.2.1", "/a/")); resp.Status != 200 {
		t.Errorf("after the slow one has ended it is %d, want 200", resp.Status)
	}
	if n := p.Listed(); n != 0 {
		t.Errorf("%d entries are still counted", n)
	}
}
