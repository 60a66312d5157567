package live

import (
	"net"
	"net/netip"
	"time"

	"sluice/internal/budget"
	"sluice/metrics"
	"sluice/sendfile"
)

// Record describes an HTTP request or an FTP transfer that has ended. The public
// packages call it Transfer.
type Record struct {
	// The client. Session is the ID of the connection; 0 if there is no Session, as
	// in another http.Server. Remote is not valid for unix sockets. User is the
	// login, "anonymous" without an account, "" without a login.
	Session  uint64
	Protocol Protocol // of the connection, when it was accepted
	Remote   netip.AddrPort
	User     string

	// The request.
	Op      string // GET, HEAD, ... of HTTP; RETR, STOR (for STOU too), APPE, DELE, ... of FTP
	Path    string // FTP: absolute and clean, in the served tree
	NewPath string // of what was renamed or copied, or the target of a new link, as Path; else ""
	Offset  int64  // FTP: of the first byte, from REST, or the size for APPE
	Upload  bool   // from the client to the server

	// HTTP only, but Status is also the reply code of an FTP command that is no transfer. For
	// a request that is refused because it is malformed or too long,
	// only Status is known, unless it is the first of its connection that net/http
	// reads. Unknown values are "".
	Target             string // as the client sent it
	Proto              string // "HTTP/1.1"
	Status             int
	Referer, UserAgent string // as the client sent them

	// The bytes moved: the body of a response. Method is Auto if no file was sent.
	sendfile.Result
	Duration time.Duration // from the command or request until the file is closed

	// How it ended. Err is nil on success, as far as the server can know. A
	// *sendfile.Error in it says which side failed. It is for the operator and may
	// contain paths that clients must not see. Outcome is the same in a word.
	Outcome Outcome
	Err     error
	Reason  string // why the answer is 403, or a status from 500 on, or why there was no turn, if more is known than the status says; or that a client was sent to the store
	Kept    int64  // bytes of a broken upload that its user can resume

	// How other clients have held it back: how long it waited for its turns in all, for what
	// it waited longest, such as "checksums", and for whom, as in ann@192.0.2.1. If it had no
	// turn, Reason is such as "too many checksums of one client", and By is the client that
	// had most. Zero values: they have not.
	Waited  time.Duration
	For, By string

	// Watched is set if there was a Transfer: for files of more than 64 KiB, and for
	// uploads and listings, whose size is unknown before, on connections of the
	// servers of this module. The fields below are known only then, and only if the
	// system reports them.
	Watched     bool
	Cause       Cause         // what limited it, over its whole duration
	RTT         time.Duration // smoothed round trip time of the last sample; 0: unknown
	Retransmits int64         // segments retransmitted meanwhile; negative: unknown
}

// HeldBack adds to rec what t has counted for the request. It is no method, because public packages name the type.
func HeldBack(rec *Record, t *budget.Tally) {
	waited, longest := t.Waited()
	if waited > 0 {
		rec.Waited, rec.For, rec.By = waited, longest.Pool, longest.By.String()
	}
	if r := t.Refused(); r != nil {
		rec.Reason, rec.By = r.Error(), r.By.String()
	}
}

// newRecord returns the Record of a transfer without a Transfer.
func newRecord(res sendfile.Result, err error) Record {
	return Record{Result: res, Outcome: OutcomeOf(err), Err: err, Retransmits: -1}
}

// End ends the transfer with all that it has moved. It takes a last sample, so call
// it before the connection is closed. t must not be used afterwards. The caller fills
// in the rest of the Record, corrects Err and Outcome if the file fails afterwards,
// and passes it to Session.Report, which counts it. The Record of a nil Transfer has
// only the Result and how it ended.
func (t *Transfer) End(res sendfile.Result, err error) Record {
	rec := newRecord(res, err)
	if t == nil {
		return rec
	}
	s := t.session
	r := s.registry
	now := time.Now()
	s.lastActive.Store(now.UnixNano())
	rec.Watched = true
	rec.Protocol, rec.Op, rec.Upload, rec.Duration = s.counted, t.job.Op, t.job.Upload, now.Sub(t.begun)

	s.mu.Lock()
	t.sampleEndLocked(now, rec.Duration)
	t.fillLocked(&rec)
	if s.flags&killed != 0 && err != nil {
		rec.Outcome = Cut
	}
	s.unlinkLocked(t)
	t.count(res.Sent, res.Method)
	last := s.flags&left != 0 && s.first == nil
	if last {
		s.unwatchLocked()
	}
	s.mu.Unlock()

	r.running.Add(-1)
	if last {
		r.mu.Lock()
		r.removeLocked(s)
		r.mu.Unlock()
	}
	t.reset()
	transfers.Put(t)
	return rec
}

// WantsRecord reports whether Report will call a function.
func (s *Session) WantsRecord(hook func(Record)) bool {
	return hook != nil || s.isEntered() && s.registry.OnTransfer != nil
}

// Report completes a Record with what the Session knows and counts it, if it is of a
// Transfer. Then it calls hook, which may be nil, and Registry.OnTransfer. A valid
// Remote is kept: it is that of a client behind a proxy. s may be nil.
func (s *Session) Report(rec *Record, hook func(Record)) {
	if s.isEntered() {
		rec.Session, rec.Protocol = s.id, s.counted
		if !rec.Remote.IsValid() {
			rec.Remote = s.remote()
		}
		if rec.Watched {
			s.registry.ended.add(rec)
		}
	}
	if hook != nil {
		hook(*rec)
	}
	if s.isEntered() && s.registry.OnTransfer != nil {
		s.registry.OnTransfer(*rec)
	}
}

// WantsChange reports whether ReportChange will call a function.
func (s *Session) WantsChange(hook func(Record)) bool {
	return hook != nil || s.isEntered() && s.registry.OnChange != nil
}

// ReportChange completes the Record of an FTP command that is no transfer with what the
// Session knows, and calls hook, which may be nil, and Registry.OnChange. s may be nil.
func (s *Session) ReportChange(rec *Record, hook func(Record)) {
	if s.isEntered() {
		rec.Session, rec.Protocol, rec.Remote = s.id, s.counted, s.remote()
	}
	if hook != nil {
		hook(*rec)
	}
	if s.isEntered() && s.registry.OnChange != nil {
		s.registry.OnChange(*rec)
	}
}

// AddrPortOf returns the address and port of a TCP address; IPv4-mapped addresses
// are IPv4. It is not valid for any other address.
func AddrPortOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// sampleEndLocked takes the last sample. A very short transfer uses a recent sample
// of its connection, because its own bytes are not acknowledged yet.
func (t *Transfer) sampleEndLocked(now time.Time, at time.Duration) {
	t.findSamplerLocked()
	if at < minSampled && t.sampler.hasSample(now, sampleEvery) || t.sampler.sample() {
		t.takeSampleLocked(at)
	}
}

// fillLocked sets Cause, RTT and Retransmits.
func (t *Transfer) fillLocked(rec *Record) {
	rec.Cause = t.causeLocked(rec.Duration)
	if !t.sampled {
		return
	}
	if t.last.Have.Has(metrics.TCPRTT) {
		rec.RTT = t.last.RTT
	}
	rec.Retransmits = t.retransmitsLocked()
}

// causeLocked returns what limited a transfer over its whole duration.
func (t *Transfer) causeLocked(took time.Duration) Cause {
	w := t.waitsUntil(took)
	if t.job.Upload {
		return w.ofUpload()
	}
	if t.sampled {
		c := Cause(metrics.Limit(&t.base, &t.last)).orWait(w, t.last.At.Sub(t.base.At))
		if c != Unknown {
			return c
		}
	}
	return t.cause.orWait(w, took) // Unknown without a sample
}

// retransmitsLocked returns the difference of two samples, or the value of one if
// the connection was new; negative: unknown.
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

// reset clears t for the pool, but keeps what allocates.
func (t *Transfer) reset() {
	const maxPath = 4 << 10 // capacity that is kept
	path, hook := t.path[:0], t.hook
	if cap(path) > maxPath {
		path = nil
	}
	t.session, t.job, t.conn, t.sampler, t.path, t.hook = nil, Job{}, nil, nil, path, hook
	t.done = 0
	t.total.Store(0)
	t.method.Store(0)
	t.progress.Store(0)
	t.updated.Store(0)
	t.limit.v.Store(0)
	t.idle.v.Store(0)
	t.store.watch.v.Store(0)
	t.store.of, t.store.disk = nil, nil
	t.sampled, t.cause, t.waited = false, Unknown, waits{}
}
