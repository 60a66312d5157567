package inspect

import (
	"fmt"
	"net/netip"

	"sluice/internal/show"
	"sluice/metrics"
)

// socketColumn is a column of the table.
type socketColumn struct {
	show.Column
	text func(*Socket) string
}

const dropsTitle = "Drops"

// socketColumns are the columns of netstat(8), and Drops.
var socketColumns = []socketColumn{
	{show.Column{Title: "Proto"}, protocol},
	{show.Column{Title: "Recv-Q", Side: show.Right}, func(s *Socket) string { return s.text(metrics.ConnectionQueues, s.RecvQueue) }},
	{show.Column{Title: "Send-Q", Side: show.Right}, func(s *Socket) string { return s.text(metrics.ConnectionQueues, s.SendQueue) }},
	{show.Column{Title: dropsTitle, Side: show.Right}, func(s *Socket) string { return s.text(metrics.ConnectionDrops, s.Drops) }},
	{show.Column{Title: "Local address"}, func(s *Socket) string { return addrText(s.Local) }},
	{show.Column{Title: "Remote address"}, func(s *Socket) string { return addrText(s.Remote) }},
	{show.Column{Title: "State"}, func(s *Socket) string { return show.OrDash(s.state()) }},
	{show.Column{Title: "PID", Side: show.Right}, func(s *Socket) string { return s.text(metrics.ConnectionPID, s.PID) }},
	{show.Column{Title: "Program"}, func(s *Socket) string { return show.OrDash(s.Program) }},
}

// SocketTable returns a line for each socket, with the column Drops if the filter
// asked for it, and the TCP figures of a connection below its line.
func SocketTable(all []Socket, filter metrics.Filter) string {
	var titles []show.Column
	rows := make([][]string, len(all))
	for _, c := range socketColumns {
		if c.Title == dropsTitle && !filter.Drops {
			continue
		}
		titles = append(titles, c.Column)
		for i := range all {
			rows[i] = append(rows[i], c.text(&all[i]))
		}
	}
	return withDetails(show.Table(titles, rows), all)
}

// text returns a value, or - if the system has not reported it.
func (s *Socket) text(field metrics.ConnectionFields, value any) string {
	if !s.Have.Has(field) {
		return "-"
	}
	return fmt.Sprint(value)
}

// protocol returns "tcp", "tcp6", "udp" or "udp6".
func protocol(s *Socket) string {
	if s.Local.Addr().Is4() {
		return s.Protocol.String()
	}
	return s.Protocol.String() + "6"
}

// state returns the name of the state; "" for a UDP socket that is not connected, which
// has none.
func (s *Socket) state() string {
	if s.Protocol == metrics.ProtocolUDP && s.State == metrics.Closed {
		return ""
	}
	return s.State.String()
}

// isOpen reports whether the socket has no Remote, and so accepts from any address.
func (s *Socket) isOpen() bool {
	return s.State == metrics.Listen || s.Protocol == metrics.ProtocolUDP && s.State == metrics.Closed
}

// addrText returns an address as netstat shows it: *:* for none.
func addrText(a netip.AddrPort) string {
	if a.Port() == 0 && (!a.IsValid() || a.Addr().IsUnspecified()) {
		return "*:*"
	}
	return a.String()
}
