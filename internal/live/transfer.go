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

// Job is what a Transfer is to move.
type Job struct {
	Op     string // "GET", "RETR", "STOR", "LIST"
	Path   string // which Begin copies, so that it may lie in a buffer
	Offset int64  // in the file, where it begins
	Size   int64  // bytes to move; negative: not known
	Upload bool   // from the client to us

	// Conn is the connection that it goes by. Nil means the session's. It stays
	// the caller's; what is said of Client.Conn holds for it too.
	Conn net.Conn

	// Before is how many bytes went to the client on this connection before,
	// those included that wait to be written; negative means that nobody knows,
	// or that others go between. With it the kernel's count of what the client
	// has confirmed becomes that of the transfer.
	Before int64
}

// A Transfer is what moves, from Begin to End. Progress, Add, Limited and Idle
// are for the goroutine that moves it.
type Transfer struct {
	session *Session
	job     Job
	path    []byte
	conn    net.Conn // beside the session's; nil: that one
	begun   time.Time
	hook    func(sendfile.Result) // Progress, bound once

	done     int64        // bytes, by calls of package sendfile that are over
	total    atomic.Int64 // and by the one under way, as far as it has told
	method   atomic.Uint32
	progress atomic.Int64 // when that was, ns since begun: a clock less to read
	noted    atomic.Int64 // when noteLocked was called, the same
	limit    stopwatch    // of the time that is waited for our own limit
	idle     stopwatch    // and for an upload to come

	// The session's lock guards what follows.
	next       *Transfer
	tap        *tap
	pace       pace
	base, last metrics.TCP // samples: the first one that counts, and the last
	sampled    bool        // there are both, or one that is both
	cause      Cause       // between the last two samples, or looks at an upload
	waited     waits       // until the last of them
}

const (
	sampleEvery = 100 * time.Millisecond // by who moves
	stuckAfter  = time.Second            // without progress, a transfer is looked at from beside

	// A sample is the beginning of a transfer too, if it was made so shortly
	// before.
	sameMoment = 5 * time.Millisecond

	// oneChunk is what is sent at once: too little for a sample before it.
	oneChunk = 256 << 10

	// briefly is how long a transfer takes at least for a sample of its own.
	briefly = time.Millisecond
)

var transfers = sync.Pool{New: func() any {
	t := new(Transfer)
	t.hook = t.Progress
	return t
}}

// Begin tells that something begins to move. Each Begin needs an End. It counts
// as a request.
func (s *Session) Begin(j Job) *Transfer {
	if s == nil {
		return nil
	}
	t := transfers.Get().(*Transfer)
	now := time.Now()
	t.session, t.job, t.begun, t.conn = s, j, now, j.Conn
	t.path = append(t.path[:0], j.Path...)
	t.job.Path = "" // which may change
	t.pace.begin(now)
	s.touched.Store(now.UnixNano())
	s.counts.requests.Add(1)
	s.mu.Lock()
	t.next, s.first = s.first, t
	if j.Size < 0 || j.Size > oneChunk {
		t.sampleBeginLocked(now)
	}
	s.mu.Unlock()
	s.registry.watchOver()
	return t
}

// sampleBeginLocked takes the sample that others are compared with, unless
// there is one.
func (t *Transfer) sampleBeginLocked(now time.Time) {
	t.tapLocked()
	if t.tap.hasSample(now, sameMoment) || t.tap.sample() {
		t.keepLocked(now.Sub(t.begun))
	}
}

// tapLocked finds the tap of the connection, and makes one the first time.
func (t *Transfer) tapLocked() {
	switch s := t.session; {
	case t.tap != nil:
	case t.conn != nil:
		t.tap = newTap(t.conn)
	default:
		if s.tap == nil {
			s.tap = newTap(s.conn)
		}
		t.tap = s.tap
	}
}

// Hook returns Progress, for sendfile.Options. It allocates nothing.
func (t *Transfer) Hook() func(sendfile.Result) {
	if t == nil {
		return nil
	}
	return t.hook
}

// Progress tells what the call of package sendfile that is under way has moved
// so far.
func (t *Transfer) Progress(res sendfile.Result) {
	if t == nil {
		return
	}
	t.moved(t.done+res.Sent, res.Method)
}

// Add tells what was moved, by a call of package sendfile that is over or by
// other means. Between two such calls it is needed, or else the Progress of the
// second would not be behind that of the first.
func (t *Transfer) Add(res sendfile.Result) {
	if t == nil {
		return
	}
	t.done += res.Sent
	t.moved(t.done, res.Method)
}

// moved counts what is new of a total, by a method.
func (t *Transfer) moved(total int64, method sendfile.Method) {
	t.count(total, method)
	if method != sendfile.Auto {
		t.method.Store(uint32(method))
	}
	at := time.Since(t.begun)
	t.progress.Store(int64(at))
	if at-time.Duration(t.noted.Load()) >= sampleEvery {
		s := t.session
		s.mu.Lock()
		t.noteLocked(at)
		s.mu.Unlock()
	}
}

func (t *Transfer) count(total int64, method sendfile.Method) {
	t.session.counts.add(t.job.Upload, method, total-t.total.Load())
	t.total.Store(total)
}

// Limited returns wait, for sendfile.Options, with its time taken: what is
// spent in it is spent for a limit of our own.
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

// Idle tells that an upload begins to wait for the client to send, and that it
// does no more, for sendfile.Options.
func (t *Transfer) Idle(idle bool) {
	switch {
	case t == nil:
	case idle:
		t.idle.start(time.Since(t.begun))
	default:
		t.idle.stop(time.Since(t.begun))
	}
}

// noteLocked samples the connection and looks how far the transfer has come,
// some time after it was begun.
func (t *Transfer) noteLocked(at time.Duration) {
	t.noted.Store(int64(at))
	now := t.begun.Add(at)
	t.tapLocked()
	// Another transfer on the same connection may just have asked.
	if t.tap.hasSample(now, sampleEvery/2) || t.tap.sample() {
		t.keepLocked(at)
	}
	if t.job.Upload {
		t.judgeLocked(at)
	}
	t.pace.note(now, t.positionLocked())
}

// keepLocked makes the tap's sample the transfer's, and finds the cause of a
// download between it and the one before.
func (t *Transfer) keepLocked(at time.Duration) {
	w, c := t.waitsUntil(at), Unknown
	if t.sampled {
		a, b := &t.last, &t.tap.last
		c = Cause(metrics.Limit(a, b)).orRateLimit(w.limit-t.waited.limit, b.At.Sub(a.At))
	} else {
		t.base, t.sampled = t.tap.last, true
	}
	t.last = t.tap.last
	if !t.job.Upload {
		t.setCauseLocked(c, w)
	}
}

// judgeLocked finds the cause of an upload since the last time.
func (t *Transfer) judgeLocked(at time.Duration) {
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
	return waits{wall: at, limit: t.limit.read(at), peer: t.idle.read(at)}
}

func (t *Transfer) lastProgress() time.Time { return t.begun.Add(time.Duration(t.progress.Load())) }

// confirmedLocked returns how many bytes the client's kernel has confirmed, as
// of the last sample.
func (t *Transfer) confirmedLocked() (n int64, known bool) {
	if t.job.Upload || t.job.Before < 0 || !t.sampled || !t.last.Have.Has(metrics.TCPAcked) {
		return 0, false
	}
	n = max(int64(t.last.Acked)-t.job.Before, 0) // by TLS it is a little too much
	if t.job.Size >= 0 {
		n = min(n, t.job.Size)
	}
	return n, true
}

// positionLocked is how far the transfer has come, for its rate.
func (t *Transfer) positionLocked() int64 {
	if n, known := t.confirmedLocked(); known {
		return n
	}
	return t.total.Load()
}
