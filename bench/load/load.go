// Package load asks a server for files over HTTP, HTTPS, FTP or FTPS as often as
// it can, or at a fixed rate, and measures how it fares:
//
//	res, err := load.Run(ctx, load.Job{
//		Kind:     load.Download,
//		URLs:     []string{"http://127.0.0.1:8080/1k.bin"},
//		Clients:  64,
//		Warmup:   time.Second,
//		Duration: 10 * time.Second,
//	})
//
// It speaks only the wire, and so measures any server. Each client is a goroutine
// with one connection. Without TLS and on Linux, bodies are dropped in the kernel.
//
// HTTP/2, pipelining, cookies and redirects are not there; a redirect is an
// error. HTTPS connections do not resume sessions, as those of new visitors do not.
package load

import (
	"context"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Kind is what a client does again and again.
type Kind string

const (
	Download Kind = "download" // fetch a URL whole
	Range    Kind = "range"    // fetch RangeSize bytes at a random offset of a URL
	Upload   Kind = "upload"   // store UploadSize bytes under a name of the client's own below the URL
	Churn    Kind = "churn"    // connect (and log in), ask the least there is, disconnect
	Idle     Kind = "idle"     // connect (and log in, or fetch once), then stay and do nothing
)

// A Job says what to ask of a server, and how hard.
type Job struct {
	Kind Kind

	// URLs are asked for in turn, each client beginning at another one. They
	// are all on one server. Schemes are http, https, ftp, and ftps with TLS
	// that is asked for (ftpes is the same), or from the start on port 990. A
	// user and a password may stand in them; FTP is anonymous without. FTP
	// paths are relative to where the login leads, unless they begin with %2F.
	// Expand writes out ranges such as {1..1000}.
	URLs []string

	// Clients is how many connections do this side by side; at least 1.
	Clients int

	// Reconnect makes a new connection for each request (for FTP: a new session).
	Reconnect bool

	// Rate is how many requests begin each second, of all clients together,
	// whatever the server does; at most a million. The time of a request counts from when it
	// should have begun, so that a stall shows in all requests that it delayed
	// (no coordinated omission). Zero: each client begins the next when it has
	// had the last.
	Rate float64

	Warmup   time.Duration // not measured
	Duration time.Duration // measured; zero: until Requests are done
	Requests int64         // ends the measurement earlier, after that many; zero: Duration alone

	RangeSize  int64 // bytes of each range
	UploadSize int64 // bytes of each upload

	// Verify is the share of downloads and ranges, from 0 to 1, whose content is
	// hashed and compared to what came before the warm-up. Ranges that are verified
	// begin at multiples of RangeSize. The length of every body is compared.
	Verify float64

	// Content, if not nil, returns what must be at a URL, for Download and
	// Range. The first response from there, which does not count, is compared
	// with it; another content is an error of Run.
	Content func(url string) io.Reader

	// Timeout is the longest that a step may take in which nothing moves: a
	// connect, a reply, a part of a body; up to a quarter more is let pass. Zero: 30 s.
	Timeout time.Duration

	// InsecureTLS accepts any certificate.
	InsecureTLS bool

	// Begin is called after the warm-up and End when the measurement ends, each
	// once, while requests go on; without a warm-up Begin comes before them. If ctx ends in the warm-up neither is called.
	// Idle knows no warm-up, no rate and no bounds: Begin is called before the first
	// connection and End when all clients are there or have failed, and the
	// connections stay open until End returns. Either may be nil.
	Begin, End func()

	// Progress, if not nil, is called about four times a second, by the
	// goroutine that called Run.
	Progress func(Progress)
}

// Progress is how far a job has come since its warm-up began.
type Progress struct {
	Elapsed  time.Duration
	Requests int64 // whole and without error
	Errors   int64
	Bytes    int64 // of bodies
}

// A Result is what was measured between Begin and End. A request belongs to
// it if it ended in that time, a byte if it moved in that time.
type Result struct {
	Elapsed  time.Duration
	Requests int64 // whole and without error; for Idle: clients that came
	Bytes    int64 // of bodies, either way; those of unfinished requests too

	// Latency has the nanoseconds of each whole request, from 1 us to 10 min in
	// three digits. The connection that a request has to open counts, the first of
	// each client does not, unless it is what is measured. At a fixed rate the
	// unfinished requests are there too, with the time that they had waited at
	// the end, so that a server that stalls to the end does not look good.
	Latency *hdrhistogram.Histogram

	Unfinished int64 // at a fixed rate: due before the end and not done by then
	Verified   int64 // responses whose content was compared

	// Errors is how often requests failed, by what it was: "status 503",
	// "reply 550", "timeout", "reset by peer", "closed by peer", "short body", "content
	// differs", ... A client begins anew after an error, after a pause that
	// grows to a second.
	Errors map[string]int64
}

// Run does a job and blocks until it is done, or until ctx ends, which is no
// error: the result is what there was. It asks for each URL once before the
// warm-up; for Range it fetches all of each. If that fails nothing is measured, and the error says
// what, where, and what to do. It is an error, too, if the job is not
// possible. What was uploaded is deleted before Run returns, if the server
// lets it; that may take ten seconds more.
func Run(ctx context.Context, job Job) (*Result, error) {
	t, err := job.resolve()
	if err != nil {
		return nil, err
	}
	if job.Kind == Idle {
		job.Warmup, job.Duration, job.Requests, job.Rate = 0, 0, 0, 0
	}
	return newRun(&job, t).do(ctx)
}
