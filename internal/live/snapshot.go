package live

import (
	"cmp"
	"encoding/json"
	"net"
	"slices"
	"time"

	"sluice/metrics"
	"sluice/sendfile"
)

// Snapshot returns a copy of all that is known. Sessions do not stand still
// meanwhile: each is of one moment, and no counter ever goes back from one
// Snapshot to the next.
func Snapshot(r *Registry) Status {
	r.mu.Lock()
	st := Status{
		Schema: Schema, Now: time.Now().UTC(), Started: r.Started.UTC(),
		Limits: Limits{r.MaxConns, r.MaxConnsPerAddr, r.MaxConnsPerUser, r.MaxFTPConns, r.MaxFTPConnsPerAddr},
	}
	sums := r.totals
	all := r.allLocked()
	r.mu.Unlock()
	st.Totals.Transfers = r.endings.rows()

	slices.SortFunc(all, func(a, b *Session) int { return cmp.Compare(a.id, b.id) })
	st.Sessions = make([]SessionStatus, len(all))
	for i, s := range all {
		s.fill(&st.Sessions[i], &sums[s.entered])
	}
	st.Totals.Protocols, st.Totals.Bytes = totalRows(&sums)
	return st
}

// MarshalJSON returns a Snapshot as JSON, in the form of status.json.
func (r *Registry) MarshalJSON() ([]byte, error) { return json.Marshal(Snapshot(r)) }

// Status returns a copy of what is known of the session.
func (s *Session) Status() (st SessionStatus) {
	if s != nil {
		s.fill(&st, new(totals))
	}
	return st
}

// fill copies the session, and adds what it has counted to the sum of its
// protocol.
func (s *Session) fill(st *SessionStatus, sum *totals) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*st = SessionStatus{
		ID: s.id, Protocol: Protocol(s.protocol.Load()), User: s.user,
		Remote: addrText(s.remote), Local: addrText(s.local),
		Since: s.since.UTC(), LastActive: time.Unix(0, s.lastActiveLocked()).UTC(),
		State: s.stateLocked(), Command: s.command,
	}
	for t := s.first; t != nil; t = t.next {
		st.Transfers = append(st.Transfers, t.statusLocked())
	}
	slices.Reverse(st.Transfers) // which began first comes first

	var own totals
	own.addCounts(&s.counts)
	sum.add(&own)
	st.Requests = own.requests
	for method := range methods {
		st.Sent += own.sent[method]
		st.Received += own.received[method]
	}
}

func (s *Session) lastActiveLocked() int64 {
	last := s.touched.Load()
	for t := s.first; t != nil; t = t.next {
		last = max(last, t.lastProgress().UnixNano())
	}
	return last
}

func (s *Session) stateLocked() string {
	switch {
	case s.first != nil && s.first.job.Upload:
		return "receiving"
	case s.first != nil:
		return "sending"
	case s.command != "":
		return "working"
	case s.user == "" && Protocol(s.protocol.Load()).IsFTP():
		return "login"
	}
	return "idle"
}

// Done returns how many bytes have moved: those that the client's kernel has
// confirmed if that is known, or else those that ours has taken.
func (t *TransferStatus) Done() int64 {
	if t.Confirmed != nil {
		return *t.Confirmed
	}
	return t.Moved
}

func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

func (t *Transfer) statusLocked() TransferStatus {
	st := TransferStatus{
		Op: t.job.Op, Path: string(t.path), Offset: t.job.Offset,
		Moved: t.total.Load(), Method: methodName(sendfile.Method(t.method.Load())), Cause: t.cause.name(),
		Started: t.begun.UTC(), LastProgress: t.lastProgress().UTC(),
	}
	if t.job.Size >= 0 {
		st.Size = new(t.job.Size)
	}
	at := st.Moved
	if n, known := t.confirmedLocked(); known {
		st.Confirmed = &n
		st.Moved = max(st.Moved, n) // a chunk under way is told when it is over
		at = n
	}
	if rate, known := t.pace.rate(); known {
		st.Rate = &rate
		if st.Size != nil && rate > 0 {
			st.ETA = new(float64(max(*st.Size-at, 0)) / rate)
		}
	}
	if t.sampled {
		st.TCP = NewTCPStatus(&t.last)
	}
	return st
}

// told returns a copy of v if a sample has the field that it is of.
func told[T any](tcp *metrics.TCP, field metrics.TCPFields, v T) *T {
	if !tcp.Have.Has(field) {
		return nil
	}
	return &v
}

// NewTCPStatus returns what a sample tells. What it does not have is nil.
func NewTCPStatus(t *metrics.TCP) *TCPStatus {
	return &TCPStatus{
		At: t.At.UTC(), Congestion: t.Congestion,
		RTT:           told(t, metrics.TCPRTT, t.RTT.Seconds()),
		RTTVar:        told(t, metrics.TCPRTT, t.RTTVar.Seconds()),
		MinRTT:        told(t, metrics.TCPMinRTT, t.MinRTT.Seconds()),
		RTO:           told(t, metrics.TCPRTO, t.RTO.Seconds()),
		Cwnd:          told(t, metrics.TCPCwnd, t.Cwnd),
		Ssthresh:      told(t, metrics.TCPSsthresh, t.Ssthresh),
		MSS:           told(t, metrics.TCPMSS, t.MSS),
		SendWindow:    told(t, metrics.TCPSendWindow, t.SendWindow),
		PacingRate:    told(t, metrics.TCPPacingRate, t.PacingRate),
		DeliveryRate:  told(t, metrics.TCPDeliveryRate, t.DeliveryRate),
		AppLimited:    told(t, metrics.TCPAppLimited, t.AppLimited),
		NotSent:       told(t, metrics.TCPNotSent, t.NotSent),
		InFlight:      told(t, metrics.TCPInFlight, t.InFlight),
		Sent:          told(t, metrics.TCPSent, t.Sent),
		Acked:         told(t, metrics.TCPAcked, t.Acked),
		Received:      told(t, metrics.TCPReceived, t.Received),
		Retransmits:   told(t, metrics.TCPRetransmits, t.Retransmits),
		Retransmitted: told(t, metrics.TCPRetransmitted, t.Retransmitted),
		Lost:          told(t, metrics.TCPLost, t.Lost),
		Reordered:     told(t, metrics.TCPReordered, t.Reordered),
		Timeouts:      told(t, metrics.TCPTimeouts, t.Timeouts),
		Busy:          told(t, metrics.TCPBusy, t.Busy.Seconds()),
		RwndLimited:   told(t, metrics.TCPRwndLimited, t.RwndLimited.Seconds()),
		SndbufLimited: told(t, metrics.TCPSndbufLimited, t.SndbufLimited.Seconds()),
	}
}

// totalRows puts sums into rows and leaves out those that are all zero.
func totalRows(sums *[protocols]totals) (rows []ProtocolTotal, bytes []ByteTotal) {
	rows, bytes = []ProtocolTotal{}, []ByteTotal{}
	for i := range sums {
		p, sum := Protocol(i), &sums[i]
		if sum.connections == 0 && sum.refused == 0 {
			continue
		}
		rows = append(rows, ProtocolTotal{p, sum.connections, sum.refused, sum.requests})
		for _, way := range []struct {
			name  string
			moved *[methods]uint64
		}{{direction(true), &sum.received}, {direction(false), &sum.sent}} {
			for method, n := range way.moved {
				if n > 0 {
					bytes = append(bytes, ByteTotal{p, way.name, methodName(sendfile.Method(method)), n})
				}
			}
		}
	}
	return rows, bytes
}
