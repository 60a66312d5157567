package inspect

import "time"

// Process is what "procinfo --json" prints. Programs of others read it, so fields
// stay.
type Process struct {
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
	Nice     *int          `json:"nice,omitempty"`
	IONice   *ioNice       `json:"io_priority,omitempty"`
	Affinity []int         `json:"cpu_affinity,omitempty"` // numbers of processors

	Children    []processID  `json:"children,omitempty"`
	OpenFiles   []fileInfo   `json:"open_files,omitempty"`
	Connections []SocketRow  `json:"connections,omitempty"`
	ThreadTimes []threadInfo `json:"thread_times,omitempty"`
	Limits      []limitInfo  `json:"limits,omitempty"`
	Maps        []mapInfo    `json:"memory_maps,omitempty"` // the largest in RAM first

	Denied bool `json:"-"` // this user may not see some of it
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
		RSS     uint64   `json:"rss_bytes"`
		VMS     uint64   `json:"vms_bytes"`
		Shared  *uint64  `json:"shared_bytes,omitempty"`
		Text    *uint64  `json:"text_bytes,omitempty"`
		Data    *uint64  `json:"data_bytes,omitempty"`
		USS     *uint64  `json:"uss_bytes,omitempty"`
		PSS     *uint64  `json:"pss_bytes,omitempty"`
		Swap    *uint64  `json:"swap_bytes,omitempty"`
		Percent *float64 `json:"percent,omitempty"` // of RSS in the host's memory
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
	ioNice struct {
		Class string `json:"class"`
		Level int    `json:"level"`
	}
	// mapInfo is the sum of all mappings of a file, in bytes.
	mapInfo struct {
		Path         string `json:"path,omitempty"` // absent: no file
		Mappings     int    `json:"mappings"`
		Size         uint64 `json:"size_bytes"`
		RSS          uint64 `json:"rss_bytes"`
		PSS          uint64 `json:"pss_bytes"`
		SharedClean  uint64 `json:"shared_clean_bytes"`
		SharedDirty  uint64 `json:"shared_dirty_bytes"`
		PrivateClean uint64 `json:"private_clean_bytes"`
		PrivateDirty uint64 `json:"private_dirty_bytes"`
		Referenced   uint64 `json:"referenced_bytes"`
		Anonymous    uint64 `json:"anonymous_bytes"`
		Swap         uint64 `json:"swap_bytes"`
	}
	limitInfo struct {
		Name string  `json:"name"`
		Soft *uint64 `json:"soft,omitempty"` // absent: no limit
		Hard *uint64 `json:"hard,omitempty"`
	}
)
