package metrics

import (
	"os/user"
	"strconv"
	"time"
)

// A Snapshot is what one Read found, at one time. What is not in Have is
// unknown, and zero. Names, paths and arguments are bytes as the system has
// them, and may be invalid UTF-8. Sizes are bytes; counters begin with the
// process.
type Snapshot struct {
	ID   ProcessID
	At   time.Time
	Have Fields

	Name    string // of the program, cut to 15 bytes by Linux; may hold anything, "(" and newlines too
	State   State
	Parent  int       // PID; 0: none, or in another PID namespace
	Started time.Time // to 10 ms, by the wall clock at the time of Open
	Threads int
	FDs     int // open descriptors; handles on Windows

	CPU      CPUTime
	Memory   Memory
	IO       IO
	Faults   Faults
	Switches Switches

	Owner     Owner
	Identity  Identity
	Footprint Footprint
}

// CPUTime is time on processors: of all threads, and of the children that have
// ended and were waited for. Linux tells it in steps of 10 ms, but for this
// process.
type CPUTime struct {
	User, System           time.Duration
	ChildUser, ChildSystem time.Duration
	HaveChildren           bool // the children's time is told
}

// Memory is what a process has now. RSS and VMS are told everywhere, the
// others by Linux.
type Memory struct {
	RSS    uint64 // in RAM, what it shares with others included
	VMS    uint64 // address space
	Shared uint64 // of RSS: files and shared memory
	Text   uint64 // address space of code
	Data   uint64 // address space of data and stack

	HaveParts bool // Shared, Text and Data are told
}

// IO is what a process has read and written. On Linux the first four count
// what went through read(2), write(2), sendfile(2) and the like on anything,
// sockets too, but not splice(2); and the last two what came from a disk, and
// what is to go to one.
type IO struct {
	ReadOps, WriteOps     uint64 // system calls
	ReadChars, WriteChars uint64
	ReadBytes, WriteBytes uint64

	Have IOFields
}

// IOFields is a set of pairs of an IO.
type IOFields uint8

// The pairs of an IO.
const (
	IOOps IOFields = 1 << iota
	IOChars
	IOBytes
)

// Has reports whether all of g are in f.
func (f IOFields) Has(g IOFields) bool { return f&g == g }

// Faults are page faults of a process. Major ones had to wait for a disk.
type Faults struct{ Minor, Major uint64 }

// Switches are context switches of all threads. Those of another process are
// of the threads it has now.
type Switches struct {
	Voluntary   uint64 // it waited for something
	Involuntary uint64 // it could have gone on
}

// An Owner is for whom a process runs: real, effective and saved ids.
type Owner struct {
	UID, EUID, SavedUID uint32
	GID, EGID, SavedGID uint32
	HaveIDs             bool // the ids are told; not so on Windows

	name string // where the system tells names rather than ids
}

// Username returns the name of the effective user, or an error where the
// system has none for it. It reads the user database each time.
func (o Owner) Username() (string, error) {
	if o.name != "" {
		return o.name, nil
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(o.EUID), 10))
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

// An Identity says what a process runs. What is not told, or refused, is empty.
type Identity struct {
	Exe      string   // path of the program; Linux adds " (deleted)"
	Args     []string // as it was started, unless it has changed them; none: a thread of the kernel, or a zombie
	Cwd      string
	Terminal string // as "/dev/pts/3"
}

// A Footprint is what a process costs in memory.
type Footprint struct {
	USS  uint64 // what would be free if it ended now
	PSS  uint64 // USS and its share of what it shares
	Swap uint64
}

// CPUPercent is the share of one processor that was used from a to b, of one
// process: 100 is one of them all of the time, so it may exceed 100. It is 0
// if the snapshots do not tell, or are of different processes, or b is not
// after a.
func CPUPercent(a, b *Snapshot) float64 {
	wall := b.At.Sub(a.At)
	if a.ID != b.ID || wall <= 0 || !(a.Have & b.Have).Has(FieldCPU) {
		return 0
	}
	used := b.CPU.User + b.CPU.System - a.CPU.User - a.CPU.System
	return max(100*float64(used)/float64(wall), 0)
}

// A MemoryKind is one of the sizes of a process.
type MemoryKind uint8

// The kinds, as Memory and Footprint have them.
const (
	RSS MemoryKind = iota
	VMS
	Shared
	Text
	Data
	USS
	PSS
	Swapped
)

// MemoryPercent is the share that a size of the process has of total bytes,
// such as HostMemory.Total. It is not ok if the snapshot does not tell the size,
// or total is 0.
func (s *Snapshot) MemoryPercent(kind MemoryKind, total uint64) (percent float64, ok bool) {
	var size uint64
	switch kind {
	case RSS, VMS:
		ok = s.Have.Has(FieldMemory)
		size = [...]uint64{RSS: s.Memory.RSS, VMS: s.Memory.VMS}[kind]
	case Shared, Text, Data:
		ok = s.Memory.HaveParts
		size = [...]uint64{Shared: s.Memory.Shared, Text: s.Memory.Text, Data: s.Memory.Data}[kind]
	case USS, PSS, Swapped:
		ok = s.Have.Has(FieldFootprint)
		size = [...]uint64{USS: s.Footprint.USS, PSS: s.Footprint.PSS, Swapped: s.Footprint.Swap}[kind]
	}
	if !ok || total == 0 {
		return 0, false
	}
	return 100 * float64(size) / float64(total), true
}
