package top

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"sluice/internal/show"
	"sluice/internal/status"
)

// row is a transfer, or a session without one.
type row struct {
	session  *status.Session
	transfer *status.Transfer // nil: none
}

// rowID identifies a row across statuses.
type rowID struct {
	session uint64
	started int64 // of the transfer, Unix ns
}

func (r row) id() rowID {
	if r.transfer == nil {
		return rowID{session: r.session.ID}
	}
	return rowID{r.session.ID, r.transfer.Started.UnixNano()}
}

// rows returns a row for each transfer, and with idle for each session without one,
// if one of its texts contains the filter. They are sorted.
func rows(sessions []status.Session, idle bool, filter string, by order) []row {
	var all []row
	for i := range sessions {
		s := &sessions[i]
		for j := range s.Transfers {
			all = append(all, row{s, &s.Transfers[j]})
		}
		if idle && len(s.Transfers) == 0 {
			all = append(all, row{session: s})
		}
	}
	if filter != "" {
		all = slices.DeleteFunc(all, func(r row) bool { return !r.matches(filter) })
	}
	slices.SortStableFunc(all, by.compare)
	return all
}

// matches reports whether one of the texts contains the filter, ignoring case.
func (r row) matches(filter string) bool {
	texts := []string{r.session.Protocol, r.session.State, r.session.User, r.session.Remote, r.session.Command}
	if t := r.transfer; t != nil {
		texts = append(texts, t.Op, t.Path, t.Method, t.Cause)
	}
	filter = strings.ToLower(filter)
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(strings.ToLower(s), filter) })
}

// Values of a row. An unknown value is negative, or "".

func (r row) sessionID() uint64 { return r.session.ID }

func (r row) protocol() string { return r.session.Protocol }

func (r row) user() string { return r.session.User }

func (r row) rate() float64 {
	if r.transfer == nil || r.transfer.Rate == nil {
		return -1
	}
	return *r.transfer.Rate
}

func (r row) done() float64 {
	t := r.transfer
	if t == nil || t.Size == nil {
		return -1
	}
	if *t.Size == 0 {
		return 1
	}
	return float64(t.Done()) / float64(*t.Size)
}

func (r row) eta() float64 {
	if r.transfer == nil || r.transfer.ETA == nil {
		return -1
	}
	return *r.transfer.ETA
}

func (r row) rtt() float64 {
	if r.transfer == nil || r.transfer.TCP == nil || r.transfer.TCP.RTT == nil {
		return -1
	}
	return *r.transfer.TCP.RTT
}

func (r row) retransmits() int64 {
	if r.transfer == nil || r.transfer.TCP == nil || r.transfer.TCP.Retransmits == nil {
		return -1
	}
	return int64(*r.transfer.TCP.Retransmits)
}

func (r row) method() string {
	if r.transfer == nil {
		return ""
	}
	return r.transfer.Method
}

// cause is what limits the transfer, or the state of a session without one.
func (r row) cause() string {
	if r.transfer == nil {
		return r.session.State
	}
	return r.transfer.Cause
}

func (r row) op() string {
	if r.transfer == nil {
		return ""
	}
	return r.transfer.Op
}

// peer is the address of the client without the port.
func (r row) peer() string {
	if host, _, err := net.SplitHostPort(r.session.Remote); err == nil {
		return host
	}
	return cmp.Or(r.session.Remote, "unix")
}

// file is the path of the transfer, or the command of a session without one.
func (r row) file() string {
	if r.transfer == nil {
		return r.session.Command
	}
	return r.transfer.Path
}

// Texts of values that may be unknown.

func orDash(unknown bool, text func() string) string {
	if unknown {
		return "-"
	}
	return text()
}

func (r row) idText() string { return fmt.Sprint(r.session.ID) }

func (r row) rateText() string {
	v := r.rate()
	return orDash(v < 0, func() string { return show.Rate(v) })
}

func (r row) doneText() string {
	v := r.done()
	return orDash(v < 0, func() string { return fmt.Sprintf("%d%%", int(100*min(v, 1))) })
}

func (r row) barText() string {
	if v := r.done(); v >= 0 {
		return show.Bar(v, barWidth)
	}
	return ""
}

func (r row) etaText() string {
	v := r.eta()
	return orDash(v < 0, func() string { return show.Time(time.Duration(min(v, 1<<33) * float64(time.Second))) })
}

func (r row) rttText() string {
	v := r.rtt()
	return orDash(v < 0, func() string { return fmt.Sprintf("%.1f ms", v*1000) })
}

func (r row) retransmitsText() string {
	v := r.retransmits()
	return orDash(v < 0, func() string { return fmt.Sprint(v) })
}
