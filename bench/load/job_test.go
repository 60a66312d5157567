package load_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/bench/load"
)

func TestImpossibleJobsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*load.Job)
		want   string // in the error
	}{
		{"no kind", func(j *load.Job) { j.Kind = "" }, "kind"},
		{"no URL", func(j *load.Job) { j.URLs = nil }, "URL"},
		{"a URL of another scheme", func(j *load.Job) { j.URLs = []string{"gopher://127.0.0.1/"} }, "gopher"},
		{"a URL without a host", func(j *load.Job) { j.URLs = []string{"http:///x"} }, "host"},
		{"two servers", func(j *load.Job) { j.URLs = append(j.URLs, "http://127.0.0.1:2/") }, "two servers"},
		{"a command in a path", func(j *load.Job) { j.URLs = []string{"ftp://127.0.0.1/a%0d%0aDELE%20b"} }, "line break"},
		{"no clients", func(j *load.Job) { j.Clients = 0 }, "0 clients"},
		{"more clients than descriptors", func(j *load.Job) { j.Clients = math.MaxInt32 }, "file descriptors"},
		{"a rate below zero", func(j *load.Job) { j.Rate = -1 }, "a second"},
		{"a rate that is no number", func(j *load.Job) { j.Rate = math.NaN() }, "a second"},
		{"more than all to verify", func(j *load.Job) { j.Verify = 1.1 }, "verify"},
		{"no end", func(j *load.Job) { j.Duration = 0 }, "never end"},
		{"a time below zero", func(j *load.Job) { j.Warmup = -1 }, "below zero"},
		{"no range", func(j *load.Job) { j.Kind = load.Range }, "at least one"},
		{"uploads below zero", func(j *load.Job) { j.Kind, j.UploadSize = load.Upload, -1 }, "-1 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			job := load.Job{Kind: load.Download, URLs: []string{"http://127.0.0.1:1/"}, Clients: 1, Duration: time.Second}
			tt.change(&job)
			if err := job.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check: got %v, want %q in it", err, tt.want)
			}
			if _, err := load.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Run: got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestErrorsDoNotShowPasswords(t *testing.T) {
	for _, url := range []string{
		"http://joe:secret@127.0.0.1:1/",
		"http://joe:secret@127.0.0.1:port/",
		"gopher://joe:secret@127.0.0.1/",
		"http://joe:secret@/",
		"ftp://joe:secret@127.0.0.1/%0d%0a",
		"http://joe:a%zzsecret@127.0.0.1/",
	} {
		_, err := load.Run(t.Context(), load.Job{Kind: load.Download, URLs: []string{url}, Clients: 1, Requests: 1})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want an error without the password", url, err)
		}
	}
	if _, err := load.Expand([]string{"http://joe:secret@h/{1..2000000}"}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want an error without the password", err)
	}
}

func TestRedact(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"bench serve ftp://a:b@h/x http://c:d@i/", "bench serve ftp://a:xxxxx@h/x http://c:xxxxx@i/"},
		{"ftp://a:@h/", "ftp://a:xxxxx@h/"},
		{"ftp://a:b:c@d@h/", "ftp://a:xxxxx@h/"},
		{"http://h:80/a@b", "http://h:80/a@b"},
		{"http://a@h:80/", "http://a@h:80/"},
		{"http://[::1]:80/?q=a:b@c", "http://[::1]:80/?q=a:b@c"},
		{"--time 1s", "--time 1s"},
	} {
		if got := load.Redact(tt.in); got != tt.want {
			t.Errorf("Redact(%s) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestExpand(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"http://h/f", "http://h/f"},
		{"http://h/{1..3}.bin", "http://h/1.bin http://h/2.bin http://h/3.bin"},
		{"http://h/{08..11}", "http://h/08 http://h/09 http://h/10 http://h/11"},
		{"http://h/{0..1}{5..6}", "http://h/05 http://h/06 http://h/15 http://h/16"},
		{"http://h/{a}{1..2}{", "http://h/{a}1{ http://h/{a}2{"},
		{"http://h/{3..1}", "http://h/{3..1}"},
		{"http://h/{-1..1}", "http://h/{-1..1}"},
	} {
		got, err := load.Expand([]string{tt.in})
		if want := strings.Fields(tt.want); !slices.Equal(got, want) || err != nil {
			t.Errorf("Expand(%s) = %q, %v, want %q", tt.in, got, err, want)
		}
	}
	for _, in := range []string{"{1..1000001}", "{1..1001}{1..1001}", "{0..4294967295}{0..4294967295}{0..4294967295}"} {
		if got, err := load.Expand([]string{in}); err == nil {
			t.Errorf("Expand(%s) = %d URLs, want an error", in, len(got))
		}
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, tt := range []struct {
		url  string
		fine bool
	}{
		{"http://127.0.0.1:8080/", true},
		{"ftp://127.8.9.10/", true},
		{"https://[::1]/", true},
		{"https://[::ffff:127.0.0.1]/", true},
		{"http://localhost/", true},
		{"http://192.0.2.1/", false},
		{"http://0.0.0.0/", false},
		{"ftps://[2001:db8::1]:990/", false},
		{"http://127.0.0.1@192.0.2.1/", false},
		{"http://nobody.invalid/", false},
		{"file:///etc/passwd", false},
	} {
		err := load.OnlyLoopback(t.Context(), []string{"http://127.0.0.1/", tt.url})
		if (err == nil) != tt.fine {
			t.Errorf("%s: got %v, want fine: %t", tt.url, err, tt.fine)
		}
	}
}
