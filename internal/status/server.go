package status

import (
	"os"
	"slices"
	"time"

	"sluice/metrics"
)

// Status is the body of /status.json.
type Status struct {
	Snapshot
	Server Server `json:"server"`
}

// Server is the server itself: its process, its listeners, its caches.
type Server struct {
	Version   string        `json:"version,omitempty"`
	PID       int           `json:"pid"`
	Start     uint64        `json:"pid_start,omitempty"` // with PID a metrics.ProcessID; absent: unknown
	Boot      string        `json:"boot_id,omitempty"`   // of the kernel that it runs on; absent: unknown
	Draining  bool          `json:"draining"`
	Process   Process       `json:"process"`
	Host      *Host         `json:"host,omitempty"` // absent: the system reports nothing
	Listeners []Listener    `json:"listeners"`
	Cache     *Cache        `json:"file_cache,omitempty"`
	Passive   *PassivePorts `json:"passive_ports,omitempty"`
	Contained *Contained    `json:"contained,omitempty"`
	Budget    []Pool        `json:"budget,omitempty"` // what clients share
	Mounts    []Mount       `json:"mounts,omitempty"` // that have refused calls
}

// Mount is a file system that does not answer, or has not for a while.
type Mount struct {
	Point   string `json:"point"`
	Calls   int    `json:"calls"`   // that have not returned
	Waiting int    `json:"waiting"` // calls that wait for one of them
	Hung    bool   `json:"hung"`    // further calls are refused
	Refused uint64 `json:"refusals"`
}

// Pool is something that clients share, as turns to compute checksums.
type Pool struct {
	Name    string  `json:"name"`
	Size    int64   `json:"size"`
	InUse   int64   `json:"in_use"`
	Waiting int     `json:"waiting"` // requests
	Waits   uint64  `json:"waits"`   // that have ended; a long request has many
	Waited  float64 `json:"wait_seconds"`
	Refused uint64  `json:"refusals"`
	Queue   []Wait  `json:"queue,omitempty"` // the first requests that wait, the longest wait first
}

// Wait is a request that waits for its turn. A client is as in ann@192.0.2.1.
type Wait struct {
	Client string    `json:"client"`
	By     string    `json:"by"` // who held most when it began to wait
	Since  time.Time `json:"since"`
}

// Contained is the sandbox of the process: what is in force, and what is not.
type Contained struct {
	User       string   `json:"user,omitempty"` // that it runs as; absent: unknown
	UID        *int     `json:"uid,omitempty"`
	GID        *int     `json:"gid,omitempty"`
	Caps       []string `json:"capabilities"` // that it keeps, of Linux
	NoNewPrivs bool     `json:"no_new_privs"`
	Landlock   string   `json:"landlock,omitempty"` // which access to files it allows; absent: not in force
	Seccomp    string   `json:"seccomp,omitempty"`  // which system calls it refuses; absent: not in force
	Lacks      []string `json:"lacks"`              // what is not in force, each with the reason
}

// Process is what the system reports about the server's process.
type Process struct {
	CPU     *float64 `json:"cpu_seconds,omitempty"` // of user and system on all processors, since its start
	RSS     *uint64  `json:"rss_bytes,omitempty"`   // memory in RAM
	VMS     *uint64  `json:"vms_bytes,omitempty"`   // address space
	Threads *int     `json:"threads,omitempty"`
	FDs     *int     `json:"fds,omitempty"`     // open descriptors
	MaxFDs  *uint64  `json:"max_fds,omitempty"` // limit of open descriptors; absent: no limit, or unknown
}

// Listener is an address that the server listens on: one socket, or the sum of
// several that share the address.
type Listener struct {
	Protocol string `json:"protocol"`
	Address  string `json:"address"`

	Waiting *int    `json:"waiting,omitempty"`       // connections not accepted yet
	Backlog *int    `json:"backlog_limit,omitempty"` // limit of Waiting
	Drops   *uint64 `json:"drops,omitempty"`         // connections that the kernel refused because the queue was full
}

// Cache is the content of the cache of open files.
type Cache struct {
	Entries int   `json:"entries"`      // names, missing ones too
	Files   int   `json:"open_files"`   // entries with a descriptor
	Memory  int64 `json:"memory_bytes"` // content of small files
	Opens   int64 `json:"opens"`        // file system look-ups since the start
}

// PassivePorts are the ports of FTP data connections.
type PassivePorts struct {
	Used  int `json:"used"`
	Total int `json:"total,omitempty"` // absent: the system chooses the ports
}

// ThisServer returns a Server with what the system reports about this process,
// and without listeners. self is metrics.Self.
func ThisServer(self *metrics.Process) Server {
	return Server{
		PID: os.Getpid(), Start: self.ID().Start, Boot: bootID(),
		Process: NewProcess(ReadProcess(self)), Host: ReadHost(metrics.Host{}), Listeners: []Listener{},
	}
}

// ReadProcess reads a process and its limit of descriptors. Values that cannot be
// read are missing in Have; maxFDs is then metrics.Unlimited.
func ReadProcess(p *metrics.Process) (s metrics.Snapshot, maxFDs uint64) {
	_ = p.Read(&s, metrics.Basic)
	limits, err := p.Limits()
	if limit, ok := limits[metrics.LimitOpenFiles]; err == nil && ok {
		return s, limit.Soft
	}
	return s, metrics.Unlimited
}

// NewProcess converts the result of ReadProcess.
func NewProcess(s metrics.Snapshot, maxFDs uint64) Process {
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

// AddListener adds a listening socket. Sockets with the same protocol and
// address share a row, which sums their queues; Prometheus allows no two series
// with the same labels. Without backlog there are no figures.
func (s *Server) AddListener(protocol, address string, backlog func() (metrics.Backlog, error)) {
	i := slices.IndexFunc(s.Listeners, func(l Listener) bool { return l.Protocol == protocol && l.Address == address })
	if i < 0 {
		i = len(s.Listeners)
		s.Listeners = append(s.Listeners, Listener{Protocol: protocol, Address: address})
	}
	if backlog == nil {
		return
	}
	if b, err := backlog(); err == nil {
		s.Listeners[i].add(b)
	}
}

// add adds the queue of one more socket.
func (l *Listener) add(b metrics.Backlog) {
	l.Waiting = plus(l.Waiting, b.Waiting)
	l.Backlog = plus(l.Backlog, b.Limit)
	if b.HaveDrops {
		l.Drops = plus(l.Drops, b.Drops)
	}
}

// plus returns the sum of both; a nil sum counts as 0.
func plus[N int | uint64](sum *N, n N) *N {
	if sum != nil {
		n += *sum
	}
	return &n
}
