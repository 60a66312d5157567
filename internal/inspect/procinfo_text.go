package inspect

import (
	"fmt"
	"strings"
	"time"

	"sluice/internal/show"
)

// page is text of lines "key   value", where a value may be a table.
type page struct{ strings.Builder }

// line adds a line, unless the value is empty.
func (p *page) line(key, value string) {
	if value != "" {
		fmt.Fprintf(p, "%-13s  %s\n", key, value)
	}
}

// list adds a table next to its key, unless it is empty.
func (p *page) list(key string, columns []show.Column, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	for line := range strings.Lines(show.Table(columns, rows)) {
		p.line(key, strings.TrimSuffix(line, "\n"))
		key = ""
	}
}

// pairs joins the items that are not empty with commas.
func pairs(items ...string) string {
	kept := items[:0]
	for _, item := range items {
		if item != "" {
			kept = append(kept, item)
		}
	}
	return strings.Join(kept, ", ")
}

func size(name string, n *uint64) string {
	if n == nil {
		return ""
	}
	return name + "=" + show.Bytes(*n)
}

func count(name string, n *uint64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf("%s=%d", name, *n)
}

func seconds(name string, s *float64) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%s=%.2f s", name, *s)
}

// String returns the text of procinfo, with the keys of psutil's procinfo.py.
func (info *Process) String() string {
	var p page
	p.line("pid", fmt.Sprint(info.PID))
	p.line("name", show.Plain(info.Name))
	if info.Parent != nil {
		p.line("parent", fmt.Sprintf("%d (%s)", info.Parent.PID, show.OrDash(info.Parent.Name)))
	}
	p.line("exe", show.Plain(info.Exe))
	p.line("cwd", show.Plain(info.Cwd))
	p.line("cmdline", show.Plain(strings.Join(info.Args, " ")))
	if info.Started != nil {
		p.line("started", info.Started.Format(time.DateTime))
	}
	info.usage(&p)
	p.line("user", show.Plain(info.User))
	for _, kind := range []struct {
		key string
		ids *ids
	}{{"uids", info.UIDs}, {"gids", info.GIDs}} {
		if kind.ids != nil {
			p.line(kind.key, fmt.Sprintf("real=%d, effective=%d, saved=%d", kind.ids.Real, kind.ids.Effective, kind.ids.Saved))
		}
	}
	p.line("terminal", show.Plain(info.Terminal))
	p.line("status", info.State)
	if info.Nice != nil {
		p.line("nice", fmt.Sprint(*info.Nice))
	}
	if n := info.IONice; n != nil {
		p.line("ionice", fmt.Sprintf("class=%s, level=%d", n.Class, n.Level))
	}
	for _, n := range []struct {
		key   string
		count *int
	}{{"num-threads", info.Threads}, {"num-fds", info.FDs}} {
		if n.count != nil {
			p.line(n.key, fmt.Sprint(*n.count))
		}
	}
	info.lists(&p)
	return p.Builder.String()
}

// usage adds the lines about what the process uses.
func (info *Process) usage(p *page) {
	if c := info.CPU; c != nil {
		p.line("cpu-tspent", show.Time(time.Duration((c.User+c.System)*float64(time.Second))))
		p.line("cpu-times", pairs(seconds("user", &c.User), seconds("system", &c.System),
			seconds("children-user", c.ChildUser), seconds("children-system", c.ChildSystem)))
	}
	p.line("cpu-affinity", ranges(info.Affinity))
	if m := info.Memory; m != nil {
		p.line("memory", pairs(size("rss", &m.RSS), size("vms", &m.VMS), size("shared", m.Shared), size("text", m.Text),
			size("data", m.Data), size("uss", m.USS), size("pss", m.PSS), size("swap", m.Swap)))
		if m.Percent != nil {
			p.line("memory %", fmt.Sprintf("%.2f", *m.Percent))
		}
	}
	if c := info.IO; c != nil {
		p.line("I/O", pairs(count("read-count", c.ReadOps), size("read-bytes", c.ReadBytes), size("read-chars", c.ReadChars),
			count("write-count", c.WriteOps), size("write-bytes", c.WriteBytes), size("write-chars", c.WriteChars)))
	}
	if f := info.Faults; f != nil {
		p.line("page-faults", pairs(count("minor", &f.Minor), count("major", &f.Major)))
	}
	if s := info.Switches; s != nil {
		p.line("ctx-switches", pairs(count("voluntary", &s.Voluntary), count("involuntary", &s.Involuntary)))
	}
}

// lists adds the tables.
func (info *Process) lists(p *page) {
	var rows [][]string
	for _, c := range info.Children {
		rows = append(rows, []string{fmt.Sprint(c.PID), show.OrDash(c.Name)})
	}
	p.list("children", []show.Column{{Title: "PID", Side: show.Right}, {Title: "NAME"}}, rows)

	rows = nil
	for _, f := range info.OpenFiles {
		rows = append(rows, []string{fmt.Sprint(f.FD), show.OrDash(f.Path)})
	}
	p.list("open-files", []show.Column{{Title: "FD", Side: show.Right}, {Title: "PATH"}}, rows)

	rows = nil
	for _, c := range info.Connections {
		rows = append(rows, []string{c.Protocol, c.Local, show.OrDash(c.Remote), show.OrDash(c.State)})
	}
	p.list("connections", []show.Column{{Title: "PROTO"}, {Title: "LOCAL ADDR"}, {Title: "REMOTE ADDR"}, {Title: "STATUS"}}, rows)

	rows = nil
	for _, t := range info.ThreadTimes {
		rows = append(rows, []string{fmt.Sprint(t.ID), fmt.Sprintf("%.2f", t.User), fmt.Sprintf("%.2f", t.System)})
	}
	p.list("threads", []show.Column{{Title: "TID", Side: show.Right}, {Title: "USER", Side: show.Right}, {Title: "SYSTEM", Side: show.Right}}, rows)

	rows = nil
	for _, l := range info.Limits {
		rows = append(rows, []string{l.Name, limitText(l.Soft), limitText(l.Hard)})
	}
	p.list("res-limits", []show.Column{{Title: "RLIMIT"}, {Title: "SOFT", Side: show.Right}, {Title: "HARD", Side: show.Right}}, rows)
	info.maps(p)
}

// maxMaps is how many sums of mappings the text shows; --json shows all.
const maxMaps = 10

// maps adds the table of mappings.
func (info *Process) maps(p *page) {
	var rows [][]string
	for _, m := range info.Maps[:min(len(info.Maps), maxMaps)] {
		path := m.Path
		if path == "" {
			path = "[anon]"
		}
		rows = append(rows, []string{show.Bytes(m.RSS), show.Bytes(m.PSS), show.Bytes(m.Size), show.Plain(path)})
	}
	right := show.Right
	p.list("memory-maps", []show.Column{{Title: "RSS", Side: right}, {Title: "PSS", Side: right}, {Title: "SIZE", Side: right}, {Title: "PATH"}}, rows)
	if more := len(info.Maps) - maxMaps; more > 0 {
		p.line("", fmt.Sprintf("and %d more with less in RAM", more))
	}
}

// ranges returns numbers in ascending order as a list like "0-3,8".
func ranges(all []int) string {
	var parts []string
	for i := 0; i < len(all); {
		first := all[i]
		for i++; i < len(all) && all[i] == all[i-1]+1; i++ {
		}
		if last := all[i-1]; last > first {
			parts = append(parts, fmt.Sprintf("%d-%d", first, last))
		} else {
			parts = append(parts, fmt.Sprint(first))
		}
	}
	return strings.Join(parts, ",")
}

func limitText(l *uint64) string {
	if l == nil {
		return "unlimited"
	}
	return fmt.Sprint(*l)
}
