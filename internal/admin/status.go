package admin

import (
	"os"
	"slices"

	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/metrics"
)

// Status is the body of /status.json. Its version is the field "schema", live.Schema:
// it changes when a field changes its meaning or goes away, and not when one
// is added. What is not known is absent.
type Status struct {
	live.Status
	Server Server `json:"server"`
}

// Server is what there is beside the sessions.
type Server struct {
	Version   string        `json:"version,omitempty"`
	PID       int           `json:"pid"`
	Start     uint64        `json:"pid_start,omitempty"` // with PID a metrics.ProcessID; absent: not told
	Boot      string        `json:"boot_id,omitempty"`   // of the kernel that it runs on; absent: not told
	Draining  bool          `json:"draining"`
	Process   Process       `json:"process"`
	Listeners []Listener    `json:"listeners"`
	Cache     *Cache        `json:"file_cache,omitempty"`
	Passive   *PassivePorts `json:"passive_ports,omitempty"`
	Contained *Contained    `json:"contained,omitempty"`
}

// Contained is what keeps the process from doing more than it must.
type Contained struct {
	User       string   `json:"user,omitempty"`     // whom it runs as; absent: not told
	UID        *int     `json:"uid,omitempty"`      //
	GID        *int     `json:"gid,omitempty"`      //
	Caps       []string `json:"capabilities"`       // of Linux, that it has left
	NoNewPrivs bool     `json:"no_new_privs"`       //
	Landlock   string   `json:"landlock,omitempty"` // what of the file system it lets be opened; absent: it is not in force
	Seccomp    string   `json:"seccomp,omitempty"`  // which system calls it refuses; absent: it is not in force
	Lacks      []string `json:"lacks"`              // what is not in force, with the reason
}

// Process is what the system tells of the server's process.
type Process struct {
	CPU     *float64 `json:"cpu_seconds,omitempty"` // of all processors together, since it began
	RSS     *uint64  `json:"rss_bytes,omitempty"`   // memory in RAM
	VMS     *uint64  `json:"vms_bytes,omitempty"`   // address space
	Threads *int     `json:"threads,omitempty"`
	FDs     *int     `json:"fds,omitempty"`     // open descriptors
	MaxFDs  *uint64  `json:"max_fds,omitempty"` // as many as it may open; absent: no limit, or not told
}

// Listener is an address that is listened on: one socket, or several that
// share it and are added up.
type Listener struct {
	Protocol string `json:"protocol"`
	Address  string `json:"address"`

	Waiting *int    `json:"waiting,omitempty"`       // connections to be accepted
	Backlog *int    `json:"backlog_limit,omitempty"` // as many may wait
	Drops   *uint64 `json:"drops,omitempty"`         // connections refused because too many waited
}

// Cache is what the cache of open files holds.
type Cache struct {
	Entries int   `json:"entries"`      // names
	Files   int   `json:"open_files"`   // of these, with a descriptor
	Memory  int64 `json:"memory_bytes"` // of small files
	Opens   int64 `json:"opens"`        // times the disk was asked for a name, since the start
}

// PassivePorts are those of FTP's data connections.
type PassivePorts struct {
	Used  int `json:"used"`
	Total int `json:"total,omitempty"` // absent: whichever the system gives
}

// Status returns what is known now.
func (h *Handler) Status() Status {
	h.once.Do(h.prepare)
	st := Status{Status: live.Snapshot(h.Live), Server: Server{
		Version: h.Version, PID: os.Getpid(), Start: h.self.ID().Start, Boot: bootID(), Draining: h.draining.Load(),
		Process: newProcess(h.readProcess()), Listeners: h.readListeners(), Contained: h.Contained,
	}}
	if h.Cache != nil {
		c := newCache(h.Cache())
		st.Server.Cache = &c
	}
	if h.PassivePorts != nil {
		used, total := h.PassivePorts()
		st.Server.Passive = &PassivePorts{used, total}
	}
	return st
}

func newCache(s filecache.Stats) Cache { return Cache{s.Entries, s.Files, s.Memory, s.Opens} }

// readProcess returns what is told of this process, and how many descriptors
// it may have.
func (h *Handler) readProcess() (s metrics.Snapshot, maxFDs uint64) {
	_ = h.self.Read(&s, metrics.Basic) // what it could not tell is missing in Have
	limits, err := h.self.Limits()
	if limit, ok := limits[metrics.LimitOpenFiles]; err == nil && ok {
		return s, limit.Soft
	}
	return s, metrics.Unlimited
}

func newProcess(s metrics.Snapshot, maxFDs uint64) Process {
	var p Process
	if s.Have.Has(metrics.FieldCPU) {
		p.CPU = new((s.CPU.User + s.CPU.System).Seconds())
	}
	if s.Have.Has(metrics.FieldMemory) {
		p.RSS, p.VMS = &s.Memory.RSS, &s.Memory.VMS
	}
	if s.Have.Has(metrics.FieldThreads) {
		p.Threads = &s.Threads
	}
	if s.Have.Has(metrics.FieldFDs) {
		p.FDs = &s.FDs
	}
	if maxFDs != metrics.Unlimited {
		p.MaxFDs = &maxFDs
	}
	return p
}

// readListeners returns one row for each protocol and address.
func (h *Handler) readListeners() []Listener {
	rows := []Listener{}
	for _, l := range h.listeners {
		i := slices.IndexFunc(rows, func(r Listener) bool { return r.Protocol == l.protocol && r.Address == l.address })
		if i < 0 {
			i = len(rows)
			rows = append(rows, Listener{Protocol: l.protocol, Address: l.address})
		}
		if l.socket == nil {
			continue
		}
		if b, err := l.socket.Backlog(); err == nil {
			rows[i].add(b)
		}
	}
	return rows
}

// add adds the queue of one more socket.
func (l *Listener) add(b metrics.Backlog) {
	l.Waiting = plus(l.Waiting, b.Waiting)
	l.Backlog = plus(l.Backlog, b.Limit)
	if b.HaveDrops {
		l.Drops = plus(l.Drops, b.Drops)
	}
}

func plus[N int | uint64](sum *N, n N) *N {
	if sum != nil {
		n += *sum
	}
	return &n
}
