package live

import (
	"net"
	"net/netip"
	"time"

	"sluice/metrics"
	"sluice/sendfile"
)

// Record is what became of a request of HTTP, or of a transfer of FTP. The
// public packages call it Transfer.
type Record struct {
	// The client. Session is the number by which the server knows the connection;
	// 0 if it does not, as in another http.Server. Remote is not valid for unix
	// sockets. User is who has logged in, "anonymous" without an account; "" is
	// nobody.
	Session  uint64
	Protocol Protocol // of the connection, when it was accepted
	Remote   netip.AddrPort
	User     string

	// What was asked for.
	Op     string // GET, HEAD, ... of HTTP; RETR, STOR (for STOU too) or APPE of FTP
	Path   string // by FTP: absolute, cleaned, in terms of the tree
	Offset int64  // by FTP: in bytes, where it began: REST, or the size for APPE
	Upload bool   // from the client to us

	// By HTTP. Of a request that is refused because it is malformed or too long,
	// the Status is known, and the rest only if it is the first that was not plain
	// on a connection; what is not known is "".
	Target             string // as the client sent it
	Proto              string // "HTTP/1.1"
	Status             int
	Referer, UserAgent string // as the client sent them

	// What was moved. Of a response it is the body; Method is that of the files
	// in it, and Auto if there are none.
	sendfile.Result
	Duration time.Duration // from the command or request to the end of the file's use

	// How it ended. Err is nil if all went well, as far as this side can know; a
	// *sendfile.Error in it says which side failed. It is for the operator, and
	// names more than a client may know. Outcome is the same in a word.
	Outcome Outcome
	Err     error
	Kept    int64 // bytes of an upload that broke off, which its user can resume

	// Watched is set for files of more than 64 KiB, and for everything whose size
	// is not known before (uploads, listings), on a connection of a server of this
	// module. Only then the following is known, as far as the system tells.
	Watched     bool
	Cause       Cause         // what held it back, over all of it
	RTT         time.Duration // smoothed round trip, by the last sample; 0: not told
	Retransmits int64         // segments sent again meanwhile; negative: not told
}

// newRecord returns what is known of a transfer that nobody has watched.
func newRecord(res sendfile.Result, err error) Record {
	return Record{Result: res, Outcome: OutcomeOf(err), Err: err, Retransmits: -1}
}

// End tells that the transfer is over, and what it has moved in all. It takes
// a last sample: call it before the connection is closed, and t not any more
// after it. The caller adds to the Record what only it knows, corrects Err and
// Outcome if the file fails afterwards, and hands it to Session.Report, which
// counts it. That of a nil Transfer has the Result and how it ended.
func (t *Transfer) End(res sendfile.Result, err error) Record {
	rec := newRecord(res, err)
	if t == nil {
		return rec
	}
	s := t.session
	r := s.registry
	now := time.Now()
	s.touched.Store(now.UnixNano())
	rec.Watched = true
	rec.Protocol, rec.Op, rec.Upload, rec.Duration = s.entered, t.job.Op, t.job.Upload, now.Sub(t.begun)

	s.mu.Lock()
	t.sampleEndLocked(now, rec.Duration)
	t.tellLocked(&rec)
	if s.killed && err != nil {
		rec.Outcome = Cut
	}
	s.unlinkLocked(t)
	t.count(res.Sent, res.Method)
	last := s.left && s.first == nil
	s.mu.Unlock()

	r.running.Add(-1)
	if last {
		r.mu.Lock()
		r.forgetLocked(s)
		r.mu.Unlock()
	}
	t.reset()
	transfers.Put(t)
	return rec
}

// WantsRecord reports whether Report has anybody to call.
func (s *Session) WantsRecord(hook func(Record)) bool {
	return hook != nil || s != nil && s.registry.OnTransfer != nil
}

// Report counts a Record among those that have ended, if it is of a Transfer, and
// calls hook, if it is not nil, and then Registry.OnTransfer with it. It adds what
// the Session knows, and leaves a valid Remote: that of a client behind a proxy. s may
// be nil.
func (s *Session) Report(rec *Record, hook func(Record)) {
	if s != nil {
		rec.Session, rec.Protocol = s.id, s.entered
		if !rec.Remote.IsValid() {
			rec.Remote = AddrPortOf(s.remote)
		}
		if rec.Watched {
			s.registry.endings.add(rec)
		}
	}
	if hook != nil {
		hook(*rec)
	}
	if s != nil && s.registry.OnTransfer != nil {
		s.registry.OnTransfer(*rec)
	}
}

// AddrPortOf returns a as the address of a TCP peer, IPv4 never dressed as IPv6. It
// is not valid for any other.
func AddrPortOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// sampleEndLocked takes the last sample. One that was done at once has the
// last of its connection, if that is fresh: what it has sent is still under way.
func (t *Transfer) sampleEndLocked(now time.Time, at time.Duration) {
	t.tapLocked()
	if at < briefly && t.tap.hasSample(now, sampleEvery) || t.tap.sample() {
		t.keepLocked(at)
	}
}

// tellLocked fills in what samples and clocks tell.
func (t *Transfer) tellLocked(rec *Record) {
	rec.Cause = t.causeLocked(rec.Duration)
	if !t.sampled {
		return
	}
	if t.last.Have.Has(metrics.TCPRTT) {
		rec.RTT = t.last.RTT
	}
	rec.Retransmits = t.retransmitsLocked()
}

// causeLocked tells what held back all of a transfer that took so long.
func (t *Transfer) causeLocked(took time.Duration) Cause {
	w := t.waitsUntil(took)
	if t.job.Upload {
		return w.ofUpload()
	}
	if t.sampled {
		c := Cause(metrics.Limit(&t.base, &t.last)).orRateLimit(w.limit, t.last.At.Sub(t.base.At))
		if c != Unknown {
			return c
		}
	}
	return t.cause.orRateLimit(w.limit, took) // Unknown, if there was no sample
}

// retransmitsLocked takes two samples, or one if there was nothing before.
func (t *Transfer) retransmitsLocked() int64 {
	switch {
	case !t.last.Have.Has(metrics.TCPRetransmits):
	case t.last.At.After(t.base.At):
		return int64(t.last.Retransmits - t.base.Retransmits)
	case t.job.Before == 0:
		return int64(t.last.Retransmits)
	}
	return -1
}

// reset forgets all but what the next transfer can use.
func (t *Transfer) reset() {
	const longest = 4 << 10 // path that is kept
	path, hook := t.path[:0], t.hook
	if cap(path) > longest {
		path = nil
	}
	t.session, t.job, t.conn, t.tap, t.path, t.hook = nil, Job{}, nil, nil, path, hook
	t.done = 0
	t.total.Store(0)
	t.method.Store(0)
	t.progress.Store(0)
	t.noted.Store(0)
	t.limit.v.Store(0)
	t.idle.v.Store(0)
	t.sampled, t.cause, t.waited = false, Unknown, waits{}
}
