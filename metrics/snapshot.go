package metrics

import (
	"os/user"
	"strconv"
	"time"
)

// A Snapshot is the result of one Read of a process. Groups that are not in Have
// are unknown and zero. Names, paths and arguments may be invalid UTF-8. Sizes are
// in bytes. Counters start at 0 with the process.
type Snapshot struct {
	ID   ProcessID
	At   time.Time // when Read was called
	Have Fields

	Name    string // of the program; Linux cuts it to 15 bytes; may hold any byte, even newlines
	State   State
	Parent  int       // PID; 0: none, or in another PID namespace
	Started time.Time // rounded to 10 ms on Linux, by the wall clock at the time of Open
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

	// Nice is the nice value, from -20, the highest priority, to 19; on Linux that of
	// the first thread. Windows has none.
	Nice int
}

// CPUTime is the CPU time of a process since its start. On Linux it has steps of
// 10 ms, except for this process.
type CPUTime struct {
	User, System           time.Duration // of all threads, in user and kernel mode
	ChildUser, ChildSystem time.Duration // of children that have ended and were waited for
	HaveChildren           bool          // ChildUser and ChildSystem are known
}

// Memory is the memory of a process in bytes. RSS and VMS are known on all systems.
type Memory struct {
	RSS    uint64 // in RAM, including memory shared with other processes
	VMS    uint64 // address space
	Shared uint64 // part of RSS: files and shared memory
	Text   uint64 // address space of code
	Data   uint64 // address space of data and stack

	HaveParts bool // Shared, Text and Data are known (Linux)
}

// IO counts what a process has read and written since its start.
type IO struct {
	// System calls, and bytes that they moved. On Linux read(2), write(2),
	// sendfile(2) and similar calls on files and sockets count; splice(2) does
	// not.
	ReadOps, WriteOps     uint64
	ReadChars, WriteChars uint64

	// Bytes read from disks, and bytes written or still to be written to disks.
	ReadBytes, WriteBytes uint64

	Have IOFields
}

// IOFields is a set of pairs of values in an IO.
type IOFields uint8

// The pairs of values in an IO.
const (
	IOOps IOFields = 1 << iota
	IOChars
	IOBytes
)

// Has reports whether all of g are in f.
func (f IOFields) Has(g IOFields) bool { return f&g == g }

// Faults counts the page faults of a process. Major faults had to wait for a disk.
type Faults struct{ Minor, Major uint64 }

// Switches counts the context switches of a process. For another process they are
// those of the threads that it has now.
type Switches struct {
	Voluntary   uint64 // a thread waited for something
	Involuntary uint64 // a thread was interrupted
}

// An Owner is the user and group of a process: real, effective and saved IDs.
type Owner struct {
	UID, EUID, SavedUID uint32
	GID, EGID, SavedGID uint32
	HaveIDs             bool // the IDs are known (Linux)

	name string // on systems that report a name instead of IDs
}

// Username returns the name of the effective user, or an error if the user
// database has none. It reads the database each time.
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

// An Identity says what a process runs. Values that are unknown or refused are
// empty.
type Identity struct {
	Exe      string   // path of the program; Linux appends " (deleted)" if the file was removed
	Args     []string // command line, which the process may have changed; none: a kernel thread or a zombie
	Cwd      string   // working directory
	Terminal string   // path of the terminal, like "/dev/pts/3"
}

// A Footprint is the memory cost of a process in bytes.
type Footprint struct {
	USS  uint64 // memory that would be free if the process ended now
	PSS  uint64 // USS plus a proportional share of the memory shared with others
	Swap uint64
}

// CPUPercent returns how much CPU time a process used between two snapshots, a
// before b, in percent of one processor: with several processors it may exceed
// 100. It returns 0 if a snapshot has no CPU time, if they are of different
// processes, or if b is not after a.
func CPUPercent(a, b *Snapshot) float64 {
	wall := b.At.Sub(a.At)
	if a.ID != b.ID || wall <= 0 || !(a.Have & b.Have).Has(FieldCPU) {
		return 0
	}
	used := b.CPU.User + b.CPU.System - a.CPU.User - a.CPU.System
	return max(100*float64(used)/float64(wall), 0)
}

// A MemoryKind selects one of the sizes in Memory and Footprint.
type MemoryKind uint8

// The kinds of memory, named like the fields of Memory and Footprint.
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

// MemoryPercent returns a size of the process in percent of total bytes, such as
// HostMemory.Total. ok is false if the snapshot does not have that size, or total
// is 0.
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
