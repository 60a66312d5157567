// Package load sends requests for files to a server over HTTP, HTTPS, FTP or
// FTPS, as many as possible or at a fixed rate, and measures the responses:
//
//	res, err := load.Run(ctx, load.Job{
//		Kind:     load.Download,
//		URLs:     []string{"http://127.0.0.1:8080/1k.bin"},
//		Clients:  64,
//		Warmup:   time.Second,
//		Duration: 10 * time.Second,
//	})
//
// It acts as a client over the network, and so measures any server. Each client
// is a goroutine with one connection. Without TLS, Linux drops bodies in the
// kernel.
//
// It has no HTTP/2, pipelining or cookies. HTTPS
// connections do not resume sessions, like those of new visitors.
//
// # Design
//
// There is no event loop of our own: with 64 connections goroutines keep up with
// wrk on one processor. A fixed rate is kept by a timerfd, because timers of the
// runtime are late by up to a millisecond.
package load

import (
	"context"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Kind is what a client does repeatedly.
type Kind string

const (
	Download Kind = "download" // fetch a URL whole
	Range    Kind = "range"    // fetch RangeSize bytes at a random offset of a URL
	Upload   Kind = "upload"   // store UploadSize bytes below the URL, under a name for each client
	Churn    Kind = "churn"    // connect (and log in), send the cheapest request, disconnect
	Idle     Kind = "idle"     // connect (and log in, or fetch once), then stay connected
)

// A Job is a load.
type Job struct {
	Kind Kind

	// URLs are requested in turn; each client begins at another one. They are
	// all on one server. Schemes are http, https, ftp, and ftps (or ftpes),
	// which is TLS after AUTH TLS, or from the start on port 990. URLs may
	// have a user and a password; FTP is anonymous without. FTP paths are
	// relative to the folder after the login, unless they begin with %2F.
	// Expand replaces ranges such as {1..1000}.
	URLs []string

	// Clients is the number of concurrent connections, at least 1.
	Clients int

	// Reconnect makes a new connection for each request (for FTP: a new session).
	Reconnect bool

	// Follow lets a download go on at another server of HTTP if it is redirected
	// there (302, 307), over a second connection. Without it that is an error.
	Follow bool

	// Rate is how many requests are due each second, of all clients together,
	// whatever the server does; at most a million. The latency of a request
	// counts from when it was due, so a stall shows in all requests that it
	// delayed (no coordinated omission). Zero: each client sends the next
	// request when it has the response to the last one.
	Rate float64

	Warmup   time.Duration // not measured
	Duration time.Duration // measured; zero: until Requests are done
	Requests int64         // ends the measurement after that many, if Duration has not; zero: Duration alone

	RangeSize  int64 // bytes of each range
	UploadSize int64 // bytes of each upload

	// Verify is the share of downloads and ranges, from 0 to 1, whose content
	// is hashed and compared with that before the warm-up. Verified ranges
	// begin at multiples of RangeSize. The length of every body is compared.
	Verify float64

	// Content, if not nil, returns the expected content of a URL, for Download
	// and Range. Run compares the response before the warm-up with it, and
	// fails if they differ.
	Content func(url string) io.Reader

	// Timeout is how long a step may take without any progress: a connect, a
	// reply, a part of a body; up to a quarter more is tolerated. Zero: 30 s.
	Timeout time.Duration

	// InsecureTLS accepts any certificate.
	InsecureTLS bool

	// Begin is called after the warm-up and End when the measurement ends, each
	// once, while requests continue; without a warm-up Begin is called before
	// the first request. If ctx ends in the warm-up neither is called. Idle has
	// no warm-up, no rate, no Duration and no Requests: Begin is called before
	// the first connection, and End when all clients are connected or have
	// failed; the connections stay open until End returns. Either may be nil.
	Begin, End func()

	// Progress, if not nil, is called about four times a second, by the
	// goroutine that called Run.
	Progress func(Progress)
}

// Progress is how far a job is since its warm-up began.
type Progress struct {
	Elapsed  time.Duration
	Requests int64 // complete and without error
	Errors   int64
	Bytes    int64 // of bodies
}

// A Result is the measurement between Begin and End. It has the requests that
// ended in that time, and the bytes that moved in that time.
type Result struct {
	Elapsed  time.Duration
	Requests int64 // complete and without error; for Idle: clients that connected
	Bytes    int64 // of bodies in both directions, also of unfinished requests

	// Latency has the nanoseconds of each complete request, from 1 us to 10 min
	// with three digits. It includes the connection that a request has to open,
	// but not the first one of each client, unless the job measures
	// connections. At a fixed rate it includes unfinished requests, with the
	// time that they had waited at the end: otherwise a server that stalls
	// to the end would look good.
	Latency *hdrhistogram.Histogram

	Unfinished int64 // at a fixed rate: due before the end and not complete then
	Verified   int64 // responses whose content was compared

	// Errors counts failed requests by error: "status 503", "reply 550",
	// "timeout", "reset by peer", "closed by peer", "short body", "content
	// differs", ... After an error a client connects again, after a pause that
	// grows to a second.
	Errors map[string]int64
}

// Run runs a job and blocks until it is done, or until ctx ends, which is no
// error: the result is that of the time before. Run requests each URL once before
// the warm-up; for Range it fetches the whole content. If that fails, Run measures
// nothing and returns an error with the URL and advice. It also returns an error
// for a job that is not possible. Before it returns, it deletes the uploads if
// the server allows it, which may take ten seconds more.
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
