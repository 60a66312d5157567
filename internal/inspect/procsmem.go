package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/show"
	"sluice/metrics"
)

// ProcessMemory is the memory of a process, in bytes.
type ProcessMemory struct {
	PID     int      `json:"pid"`
	User    string   `json:"user,omitempty"`
	Name    string   `json:"name"`
	Args    []string `json:"args,omitempty"`
	USS     uint64   `json:"uss_bytes"`
	PSS     uint64   `json:"pss_bytes"`
	Swapped uint64   `json:"swap_bytes"`
	RSS     *uint64  `json:"rss_bytes,omitempty"`
}

// Memory returns the memory of all processes by USS, and the number of those
// that this user may not see. Kernel threads and zombies are left out.
func Memory() (all []ProcessMemory, denied int, err error) {
	all = []ProcessMemory{}
	users := make(map[uint32]string) // names by effective UID
	var s metrics.Snapshot
	for p, err := range Host().Processes() {
		if err != nil {
			return nil, 0, err
		}
		if p.Read(&s, metrics.FieldName|metrics.FieldMemory|metrics.FieldOwner|metrics.FieldIdentity|metrics.FieldFootprint) != nil {
			continue // it has ended
		}
		noArgs := len(s.Identity.Args) == 0 // a kernel thread or a zombie
		switch {
		case !s.Have.Has(metrics.FieldFootprint) && !noArgs:
			denied++
			continue
		case !s.Have.Has(metrics.FieldFootprint) || s.Footprint.PSS == 0:
			continue
		}
		row := ProcessMemory{
			PID: s.ID.PID, Name: s.Name, Args: s.Identity.Args,
			USS: s.Footprint.USS, PSS: s.Footprint.PSS, Swapped: s.Footprint.Swap,
		}
		if s.Have.Has(metrics.FieldOwner) {
			if _, known := users[s.Owner.EUID]; !known || !s.Owner.HaveIDs {
				users[s.Owner.EUID] = username(s.Owner)
			}
			row.User = users[s.Owner.EUID]
		}
		if s.Have.Has(metrics.FieldMemory) {
			row.RSS = new(s.Memory.RSS)
		}
		all = append(all, row)
	}
	slices.SortStableFunc(all, func(a, b ProcessMemory) int { return cmp.Compare(a.USS, b.USS) })
	return all, denied, nil
}

// username returns the name of a process's user, or else its number.
func username(o metrics.Owner) string {
	name, err := o.Username()
	if err != nil && o.HaveIDs {
		return fmt.Sprint(o.EUID)
	}
	return name
}

// MemoryTable has the columns of psutil's procsmem.py, except that the command,
// which may be long, comes last. Lines are cut at width columns; 0 cuts nothing.
func MemoryTable(all []ProcessMemory, width int) string {
	right := show.Right
	columns := []show.Column{
		{Title: "PID", Side: right}, {Title: "User"}, {Title: "USS", Side: right}, {Title: "PSS", Side: right},
		{Title: "Swap", Side: right}, {Title: "RSS", Side: right}, {Title: "Cmdline"},
	}
	var rows [][]string
	for _, p := range all {
		rss := "-"
		if p.RSS != nil {
			rss = show.Bytes(*p.RSS)
		}
		line := strings.Join(p.Args, " ")
		rows = append(rows, []string{
			fmt.Sprint(p.PID), show.OrDash(p.User), show.Bytes(p.USS), show.Bytes(p.PSS), show.Bytes(p.Swapped), rss,
			show.OrDash(cmp.Or(line, p.Name)),
		})
	}
	return show.CutLines(show.Table(columns, rows), width)
}
