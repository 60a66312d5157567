package main

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"time"

	"sluice/metrics"
)

// processInfo is what "procinfo --json" prints. What is not told is absent.
// Sizes are bytes, times seconds.
type processInfo struct {
	PID      int        `json:"pid"`
	Name     string     `json:"name,omitempty"`
	Parent   *processID `json:"parent,omitempty"`
	Exe      string     `json:"exe,omitempty"`
	Cwd      string     `json:"cwd,omitempty"`
	Args     []string   `json:"args,omitempty"`
	Terminal string     `json:"terminal,omitempty"`
	Started  *time.Time `json:"started,omitempty"`
	User     string     `json:"user,omitempty"`
	UIDs     *ids       `json:"uids,omitempty"`
	GIDs     *ids       `json:"gids,omitempty"`
	State    string     `json:"state,omitempty"`

	CPU      *cpuInfo      `json:"cpu,omitempty"`
	Memory   *memoryInfo   `json:"memory,omitempty"`
	IO       *ioInfo       `json:"io,omitempty"`
	Faults   *faultInfo    `json:"page_faults,omitempty"`
	Switches *switchesInfo `json:"context_switches,omitempty"`
	Threads  *int          `json:"threads,omitempty"`
	FDs      *int          `json:"fds,omitempty"`

	Children    []processID  `json:"children,omitempty"`
	OpenFiles   []fileInfo   `json:"open_files,omitempty"`
	Connections []socketJSON `json:"connections,omitempty"`
	ThreadTimes []threadInfo `json:"thread_times,omitempty"`
	Limits      []limitInfo  `json:"limits,omitempty"`
}

type (
	processID struct {
		PID  int    `json:"pid"`
		Name string `json:"name,omitempty"`
	}
	ids struct {
		Real      uint32 `json:"real"`
		Effective uint32 `json:"effective"`
		Saved     uint32 `json:"saved"`
	}
	cpuInfo struct {
		User        float64  `json:"user_seconds"`
		System      float64  `json:"system_seconds"`
		ChildUser   *float64 `json:"children_user_seconds,omitempty"`
		ChildSystem *float64 `json:"children_system_seconds,omitempty"`
	}
	memoryInfo struct {
		RSS     uint64   `json:"rss"`
		VMS     uint64   `json:"vms"`
		Shared  *uint64  `json:"shared,omitempty"`
		Text    *uint64  `json:"text,omitempty"`
		Data    *uint64  `json:"data,omitempty"`
		USS     *uint64  `json:"uss,omitempty"`
		PSS     *uint64  `json:"pss,omitempty"`
		Swap    *uint64  `json:"swap,omitempty"`
		Percent *float64 `json:"percent,omitempty"` // RSS of the host's memory
	}
	ioInfo struct {
		ReadOps    *uint64 `json:"read_count,omitempty"`
		WriteOps   *uint64 `json:"write_count,omitempty"`
		ReadChars  *uint64 `json:"read_chars,omitempty"`
		WriteChars *uint64 `json:"write_chars,omitempty"`
		ReadBytes  *uint64 `json:"read_bytes,omitempty"`
		WriteBytes *uint64 `json:"write_bytes,omitempty"`
	}
	faultInfo struct {
		Minor uint64 `json:"minor"`
		Major uint64 `json:"major"`
	}
	switchesInfo struct {
		Voluntary   uint64 `json:"voluntary"`
		Involuntary uint64 `json:"involuntary"`
	}
	fileInfo struct {
		FD       int    `json:"fd"`
		Path     string `json:"path"`
		Position *int64 `json:"position,omitempty"`
	}
	threadInfo struct {
		ID     int     `json:"tid"`
		User   float64 `json:"user_seconds"`
		System float64 `json:"system_seconds"`
	}
	limitInfo struct {
		Name string  `json:"name"`
		Soft *uint64 `json:"soft,omitempty"` // absent: no limit
		Hard *uint64 `json:"hard,omitempty"`
	}
)

// newProcessInfo reads all that is told of a process. Its error is one of
// metrics.Open.
func newProcessInfo(pid int) (*processInfo, error) {
	p, err := thisHost().Open(pid)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	var s metrics.Snapshot
	if err := p.Read(&s, metrics.All); err != nil {
		return nil, err
	}
	info := &processInfo{PID: pid, Name: s.Name}
	info.identify(&s)
	info.measure(&s)
	return info, info.look(p)
}

// identify says what the process is.
func (info *processInfo) identify(s *metrics.Snapshot) {
	if s.Have.Has(metrics.FieldState) {
		info.State = s.State.String()
	}
	if s.Have.Has(metrics.FieldParent) && s.Parent > 0 {
		info.Parent = &processID{s.Parent, nameOf(s.Parent)}
	}
	if s.Have.Has(metrics.FieldStarted) {
		info.Started = new(s.Started.Round(10 * time.Millisecond))
	}
	if s.Have.Has(metrics.FieldIdentity) {
		info.Exe, info.Cwd, info.Args, info.Terminal = s.Identity.Exe, s.Identity.Cwd, s.Identity.Args, s.Identity.Terminal
	}
	if o := s.Owner; s.Have.Has(metrics.FieldOwner) {
		info.User = username(o)
		if o.HaveIDs {
			info.UIDs, info.GIDs = &ids{o.UID, o.EUID, o.SavedUID}, &ids{o.GID, o.EGID, o.SavedGID}
		}
	}
}

// measure says what it uses.
func (info *processInfo) measure(s *metrics.Snapshot) {
	if c := s.CPU; s.Have.Has(metrics.FieldCPU) {
		info.CPU = &cpuInfo{User: c.User.Seconds(), System: c.System.Seconds()}
		if c.HaveChildren {
			info.CPU.ChildUser, info.CPU.ChildSystem = new(c.ChildUser.Seconds()), new(c.ChildSystem.Seconds())
		}
	}
	if s.Have.Has(metrics.FieldMemory) {
		info.Memory = newMemoryInfo(s)
	}
	if s.Have.Has(metrics.FieldIO) {
		info.IO = newIOInfo(&s.IO)
	}
	if s.Have.Has(metrics.FieldFaults) {
		info.Faults = &faultInfo{s.Faults.Minor, s.Faults.Major}
	}
	if s.Have.Has(metrics.FieldSwitches) {
		info.Switches = &switchesInfo{s.Switches.Voluntary, s.Switches.Involuntary}
	}
	if s.Have.Has(metrics.FieldThreads) {
		info.Threads = &s.Threads
	}
	if s.Have.Has(metrics.FieldFDs) {
		info.FDs = &s.FDs
	}
}

func newMemoryInfo(s *metrics.Snapshot) *memoryInfo {
	m := &memoryInfo{RSS: s.Memory.RSS, VMS: s.Memory.VMS}
	if s.Memory.HaveParts {
		m.Shared, m.Text, m.Data = &s.Memory.Shared, &s.Memory.Text, &s.Memory.Data
	}
	if s.Have.Has(metrics.FieldFootprint) {
		m.USS, m.PSS, m.Swap = &s.Footprint.USS, &s.Footprint.PSS, &s.Footprint.Swap
	}
	if host, err := thisHost().Memory(); err == nil {
		if percent, ok := s.MemoryPercent(metrics.RSS, host.Total); ok {
			m.Percent = &percent
		}
	}
	return m
}

func newIOInfo(c *metrics.IO) *ioInfo {
	var info ioInfo
	if c.Have.Has(metrics.IOOps) {
		info.ReadOps, info.WriteOps = &c.ReadOps, &c.WriteOps
	}
	if c.Have.Has(metrics.IOChars) {
		info.ReadChars, info.WriteChars = &c.ReadChars, &c.WriteChars
	}
	if c.Have.Has(metrics.IOBytes) {
		info.ReadBytes, info.WriteBytes = &c.ReadBytes, &c.WriteBytes
	}
	return &info
}

// look lists what it has: each list is empty if it is not told.
func (info *processInfo) look(p *metrics.Process) error {
	children, err := p.Children()
	if !bearable(err) {
		return err
	}
	for _, c := range children {
		info.Children = append(info.Children, processID{c.PID, nameOf(c.PID)})
	}
	slices.SortFunc(info.Children, func(a, b processID) int { return cmp.Compare(a.PID, b.PID) })

	files, err := p.OpenFiles()
	if !bearable(err) {
		return err
	}
	for _, f := range files {
		file := fileInfo{FD: f.FD, Path: f.Path}
		if f.Position >= 0 {
			file.Position = &f.Position
		}
		info.OpenFiles = append(info.OpenFiles, file)
	}

	threads, err := p.Threads()
	if !bearable(err) {
		return err
	}
	for _, t := range threads {
		info.ThreadTimes = append(info.ThreadTimes, threadInfo{t.ID, t.User.Seconds(), t.System.Seconds()})
	}

	limits, err := p.Limits()
	if !bearable(err) {
		return err
	}
	for r, name := range resourceNames {
		if l, ok := limits[metrics.Resource(r)]; ok {
			info.Limits = append(info.Limits, limitInfo{name, limited(l.Soft), limited(l.Hard)})
		}
	}

	if all, err := sockets(metrics.Filter{PID: info.PID}); err == nil { // or it is not told
		info.Connections = socketsJSON(all)
	}
	return nil
}

// bearable reports whether an error means no more than that something is not
// told, or not to this user.
func bearable(err error) bool {
	return err == nil || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission)
}

// resourceNames are those that prlimit(1) gives the resources, but for the
// case.
var resourceNames = [...]string{
	metrics.LimitCPU: "cpu", metrics.LimitFileSize: "fsize", metrics.LimitData: "data", metrics.LimitStack: "stack",
	metrics.LimitCore: "core", metrics.LimitRSS: "rss", metrics.LimitProcesses: "nproc", metrics.LimitOpenFiles: "nofile",
	metrics.LimitLocked: "memlock", metrics.LimitAddressSpace: "as", metrics.LimitLocks: "locks", metrics.LimitSignals: "sigpending",
	metrics.LimitQueues: "msgqueue", metrics.LimitNice: "nice", metrics.LimitRealtime: "rtprio", metrics.LimitRealtimeTime: "rttime",
}

// limited returns a limit, or nil if it is none.
func limited(l uint64) *uint64 {
	if l == metrics.Unlimited {
		return nil
	}
	return &l
}
