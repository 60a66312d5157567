package live

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sluice/metrics"
	"sluice/sendfile"
)

// Job is the work of a Transfer.
type Job struct {
	Op     string // "GET", "RETR", "STOR", "LIST"
	Path   string // Begin copies it, so it may point into a buffer
	Offset int64  // in the file, of the first byte
	Size   int64  // bytes to move; negative: unknown
	Upload bool   // from the client to the server

	// Conn is the connection that carries the bytes; nil means that of the session.
	// The caller closes it. See Client.Conn.
	Conn net.Conn

	// Before is the number of bytes sent on this connection before, including bytes
	// that are not written yet; negative means unknown, or that other bytes are sent
	// in between. It is subtracted from the kernel's count of acknowledged bytes to
	// get that of the transfer.
	Before int64
}

// A Transfer is a running transfer, from Begin to End. Progress, Add, Limited and Idle
// are for the goroutine that moves the bytes.
type Transfer struct {
	session *Session
	job     Job
	path    []byte
	conn    net.Conn // a data connection; nil: the session's connection
	begun   time.Time
	hook    func(sendfile.Result) // the method value Progress, made once

	done     int64        // bytes, by calls of package sendfile that have returned
	total    atomic.Int64 // done, and the progress of the current call
	method   atomic.Uint32
	progress atomic.Int64 // time of the last progress, ns since begun
	updated  atomic.Int64 // time of the last updateLocked, ns since begun
	limit    stopwatch    // waiting for a rate limit
	idle     stopwatch    // waiting for the client to send, in uploads
	store    storeWait    // waiting for a file system that is none of this host

	// The session's lock guards the fields below.
	next       *Transfer
	sampler    *sampler
	rate       rateMeter
	base, last metrics.TCP // the first sample and the last
	sampled    bool        // base and last are set; they may be the same
	cause      Cause       // between the last two updates
	waited     waits       // as of the last update
}

const (
	sampleEvery = 100 * time.Millisecond // by the goroutine that moves the bytes
	stuckAfter  = time.Second            // without progress, a timer takes the sample

	// sameMoment is the age up to which an earlier sample of the connection serves as
	// the first sample of a transfer.
	sameMoment = 5 * time.Millisecond

	// chunkSize is sent at once; such a transfer needs no first sample.
	chunkSize = 256 << 10

	// minSampled is the shortest transfer with a last sample of its own.
	minSampled = time.Millisecond
)

var transfers = sync.Pool{New: func() any {
	t := new(Transfer)
	t.hook = t.Progress
	return t
}}

// Begin starts a Transfer and counts a request. The caller calls End.
func (s *Session) Begin(j Job) *Transfer {
	if !s.isEntered() {
		return nil
	}
	t := transfers.Get().(*Transfer)
	now := time.Now()
	t.session, t.job, t.begun, t.conn = s, j, now, j.Conn
	t.path = append(t.path[:0], j.Path...)
	t.job.Path = "" // the caller may change it
	t.rate.reset(now)
	s.lastActive.Store(now.UnixNano())
	s.requests.Add(1)
	s.mu.Lock()
	t.next, s.first = s.first, t
	s.watchLocked()
	if j.Size < 0 || j.Size > chunkSize {
		t.sampleBeginLocked(now)
	}
	s.mu.Unlock()
	s.registry.running.Add(1)
	return t
}

// sampleBeginLocked takes the first sample, with which later ones are compared.
func (t *Transfer) sampleBeginLocked(now time.Time) {
	t.findSamplerLocked()
	if t.sampler.hasSample(now, sameMoment) || t.sampler.sample() {
		t.takeSampleLocked(now.Sub(t.begun))
	}
}

// findSamplerLocked sets the sampler of the connection, and makes one the first time.
func (t *Transfer) findSamplerLocked() {
	switch s := t.session; {
	case t.sampler != nil:
	case t.conn != nil:
		t.sampler = newSampler(t.conn)
	default:
		if s.sampler == nil {
			s.sampler = newSampler(s.conn)
		}
		t.sampler = s.sampler
	}
}

// Hook returns Progress for sendfile.Options, without allocating.
func (t *Transfer) Hook() func(sendfile.Result) {
	if t == nil {
		return nil
	}
	return t.hook
}

// Progress records how much the current call of package sendfile has moved so far.
func (t *Transfer) Progress(res sendfile.Result) {
	if t == nil {
		return
	}
	t.moved(t.done+res.Sent, res.Method)
}

// Add records bytes that a call of package sendfile has moved, or that were moved by
// other means. It must be called between two such calls, because Progress starts at 0
// in each.
func (t *Transfer) Add(res sendfile.Result) {
	if t == nil {
		return
	}
	t.done += res.Sent
	t.moved(t.done, res.Method)
}

// moved counts the bytes that are new in total.
func (t *Transfer) moved(total int64, method sendfile.Method) {
	t.count(total, method)
	if method != sendfile.Auto {
		t.method.Store(uint32(method))
	}
	at := time.Since(t.begun)
	t.progress.Store(int64(at))
	if at-time.Duration(t.updated.Load()) >= sampleEvery {
		s := t.session
		s.mu.Lock()
		t.updateLocked(at)
		s.mu.Unlock()
	}
}

func (t *Transfer) count(total int64, method sendfile.Method) {
	t.session.addBytes(t.job.Upload, method, total-t.total.Load())
	t.total.Store(total)
}

// Limited returns wait for sendfile.Options, and counts the time in it as waiting for
// a rate limit.
func (t *Transfer) Limited(wait func(ctx context.Context, n int) (int, error)) func(ctx context.Context, n int) (int, error) {
	if t == nil || wait == nil {
		return wait
	}
	return func(ctx context.Context, n int) (int, error) {
		t.limit.start(time.Since(t.begun))
		n, err := wait(ctx, n)
		t.limit.stop(time.Since(t.begun))
		return n, err
	}
}

// Idle records, for sendfile.Options, that an upload starts or stops waiting for the
// client to send.
func (t *Transfer) Idle(idle bool) {
	switch {
	case t == nil:
	case idle:
		t.idle.start(time.Since(t.begun))
	default:
		t.idle.stop(time.Since(t.begun))
	}
}

// updateLocked samples the connection and updates the cause and the rate. at is the
// time since the transfer began.
func (t *Transfer) updateLocked(at time.Duration) {
	t.updated.Store(int64(at))
	t.sampleLocked(at)
	if t.job.Upload {
		t.setUploadCauseLocked(at)
	}
	t.rate.add(t.begun.Add(at), t.positionLocked())
}

// sampleLocked samples the connection.
func (t *Transfer) sampleLocked(at time.Duration) {
	t.findSamplerLocked()
	// Another transfer on the same connection may just have taken a sample.
	if t.sampler.hasSample(t.begun.Add(at), sampleEvery/2) || t.sampler.sample() {
		t.takeSampleLocked(at)
	}
}

// takeSampleLocked copies the sample of the sampler and derives the cause of a
// download from it and the sample before.
func (t *Transfer) takeSampleLocked(at time.Duration) {
	w, c := t.waitsUntil(at), Unknown
	if t.sampled {
		a, b := &t.last, &t.sampler.last
		c = Cause(metrics.Limit(a, b)).orWait(w.since(t.waited), b.At.Sub(a.At))
	} else {
		t.base, t.sampled = t.sampler.last, true
	}
	t.last = t.sampler.last
	if !t.job.Upload {
		t.setCauseLocked(c, w)
	}
}

// setUploadCauseLocked derives the cause of an upload since the last update.
func (t *Transfer) setUploadCauseLocked(at time.Duration) {
	w := t.waitsUntil(at)
	t.setCauseLocked(w.since(t.waited).ofUpload(), w)
}

func (t *Transfer) setCauseLocked(c Cause, until waits) {
	if c != Unknown {
		t.cause = c
	}
	t.waited = until
}

func (t *Transfer) waitsUntil(at time.Duration) waits {
	return waits{wall: at, limit: t.limit.read(at), store: t.store.watch.read(at), peer: t.idle.read(at)}
}

func (t *Transfer) lastProgress() time.Time { return t.begun.Add(time.Duration(t.progress.Load())) }

// confirmedLocked returns how many bytes the client's kernel has acknowledged, by the
// last sample.
func (t *Transfer) confirmedLocked() (n int64, known bool) {
	if t.job.Upload || t.job.Before < 0 || !t.sampled || !t.last.Have.Has(metrics.TCPAcked) {
		return 0, false
	}
	n = max(int64(t.last.Acked)-t.job.Before, 0) // slightly too many with TLS
	if t.job.Size >= 0 {
		n = min(n, t.job.Size)
	}
	return n, true
}

// positionLocked returns how many bytes have moved, for the rate.
func (t *Transfer) positionLocked() int64 {
	if n, known := t.confirmedLocked(); known {
		return n
	}
	return t.total.Load()
}
