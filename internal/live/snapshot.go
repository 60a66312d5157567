package live

import (
	"cmp"
	"encoding/json"
	"net"
	"slices"
	"time"

	"sluice/internal/status"
	"sluice/sendfile"
)

// Snapshot returns a copy of the sessions and counters. Each session is copied at one
// moment, but sessions go on while others are copied. No counter goes back from one
// Snapshot to the next.
func Snapshot(r *Registry) status.Snapshot {
	all := r.roomForAll()
	r.mu.Lock()
	st := status.Snapshot{
		Schema: status.Schema, Now: time.Now().UTC(), Started: r.Started.UTC(),
		Limits: status.Limits{
			Conns: r.MaxConns, ConnsPerAddr: r.MaxConnsPerAddr, ConnsPerUser: r.MaxConnsPerUser,
			FTPConns: r.MaxFTPConns, FTPConnsPerAddr: r.MaxFTPConnsPerAddr,
		},
	}
	sums := r.totals
	all = append(all, r.sessions...)
	r.mu.Unlock()
	st.Totals.Transfers = r.ended.rows()

	slices.SortFunc(all, func(a, b *Session) int { return cmp.Compare(a.id, b.id) })
	st.Sessions = make([]status.Session, len(all))
	for i, s := range all {
		s.fill(&st.Sessions[i], &sums[s.counted])
	}
	st.Totals.Protocols, st.Totals.Bytes = totalRows(&sums)
	return st
}

// MarshalJSON returns a Snapshot as JSON.
func (r *Registry) MarshalJSON() ([]byte, error) { return json.Marshal(Snapshot(r)) }

// Status returns a copy of the session; the zero value if s is nil.
func (s *Session) Status() (st status.Session) {
	if s.isEntered() {
		s.fill(&st, new(totals))
	}
	return st
}

// fill copies the session to st and adds its counters to sum.
func (s *Session) fill(st *status.Session, sum *totals) {
	conn := s.copyTo(st, sum)
	if s.addr.IsValid() {
		st.Remote = s.remote().String()
	} else if conn != nil {
		st.Remote = addrText(conn.RemoteAddr())
	}
	if conn != nil {
		st.Local = addrText(conn.LocalAddr())
	}
}

// copyTo does the work of fill except for the addresses, and returns the connection
// that knows them. The methods of that are called without the lock of the session,
// because they may take one that is held while methods of the session are called.
func (s *Session) copyTo(st *status.Session, sum *totals) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	*st = status.Session{
		ID: s.id, Protocol: s.shownLocked().String(), User: s.userLocked(),
		Since: time.Unix(0, s.since).UTC(), LastActive: time.Unix(0, s.lastActiveLocked()).UTC(),
		State: s.stateLocked(), Command: s.command,
	}
	for t := s.first; t != nil; t = t.next {
		// A slow client takes seconds for the first chunk, and until then its kernel alone
		// knows that it takes anything.
		if at := time.Since(t.begun); at-time.Duration(t.updated.Load()) >= sampleEvery {
			t.sampleLocked(at)
		}
		st.Transfers = append(st.Transfers, t.statusLocked())
	}
	slices.Reverse(st.Transfers) // the oldest first

	var own totals
	own.addCounts(s)
	sum.add(&own)
	st.Requests = own.requests
	for method := range methods {
		st.Sent += own.sent[method]
		st.Received += own.received[method]
	}
	return s.conn
}

func (s *Session) lastActiveLocked() int64 {
	last := s.lastActive.Load()
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
	case s.shownLocked().IsFTP() && s.userLocked() == "":
		return "login"
	}
	return "idle"
}

func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

func (t *Transfer) statusLocked() status.Transfer {
	st := status.Transfer{
		Op: t.job.Op, Path: string(t.path), Offset: t.job.Offset,
		Moved: t.total.Load(), Method: methodOrEmpty(sendfile.Method(t.method.Load())), Cause: t.cause.nameOrEmpty(),
		Started: t.begun.UTC(), LastProgress: t.lastProgress().UTC(),
	}
	if t.job.Size >= 0 {
		st.Size = new(t.job.Size)
	}
	at := st.Moved
	if n, known := t.confirmedLocked(); known {
		st.Confirmed = &n
		st.Moved = max(st.Moved, n) // Moved does not include the chunk in progress
		at = n
	}
	if rate, known := t.rate.rate(); known {
		st.Rate = &rate
		if st.Size != nil && rate > 0 {
			st.ETA = new(float64(max(*st.Size-at, 0)) / rate)
		}
	}
	if t.sampled {
		st.TCP = status.NewTCP(&t.last)
	}
	return st
}

// totalRows converts sums to rows, without protocols that had no connection.
func totalRows(sums *[protocols]totals) (rows []status.ProtocolTotal, bytes []status.ByteTotal) {
	rows, bytes = []status.ProtocolTotal{}, []status.ByteTotal{}
	for i := range sums {
		p, sum := Protocol(i).String(), &sums[i]
		if sum.connections == 0 && sum.refused == 0 {
			continue
		}
		rows = append(rows, status.ProtocolTotal{Protocol: p, Connections: sum.connections, Refused: sum.refused, Requests: sum.requests})
		for _, way := range []struct {
			name  string
			moved *[methods]uint64
		}{{direction(true), &sum.received}, {direction(false), &sum.sent}} {
			for method, n := range way.moved {
				if n > 0 {
					bytes = append(bytes, status.ByteTotal{Protocol: p, Direction: way.name, Method: methodOrEmpty(sendfile.Method(method)), Bytes: n})
				}
			}
		}
	}
	return rows, bytes
}
