package metrics

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

const (
	statFile   cstring = "stat\x00"
	statmFile  cstring = "statm\x00"
	statusFile cstring = "status\x00"
	ioFile     cstring = "io\x00"
	rollupFile cstring = "smaps_rollup\x00"
	fdDir      cstring = "fd\x00"
	taskDir    cstring = "task\x00"

	statFields = FieldName | FieldState | FieldParent | FieldStarted | FieldThreads | FieldCPU | FieldFaults | FieldNice
)

var errMalformed = errors.New("malformed answer")

// read fills in the groups in want and returns the first error of a source.
func (p *Process) read(s *Snapshot, want Fields) error {
	o := &p.os
	if err := o.rlock(); err != nil {
		return err
	}
	defer o.mu.RUnlock()
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)

	if o.self != nil {
		o.self.read(s, want, buf[:])
	}
	var first error
	for _, source := range sources {
		if left := want &^ s.Have; source.fields&left != 0 {
			if err := source.read(o, s, buf[:]); err != nil && first == nil {
				first = o.explain(err)
			}
		}
	}
	return first
}

// sources are the files that groups are read from. readStat comes first, because
// readSwitches uses its number of threads.
var sources = []struct {
	fields Fields
	read   func(o *process, s *Snapshot, buf []byte) error
}{
	{statFields, (*process).readStat},
	{FieldMemory, (*process).readMemory},
	{FieldIO, (*process).readIO},
	{FieldFDs, (*process).readFDs},
	{FieldOwner, (*process).readOwner},
	{FieldIdentity, (*process).readIdentity},
	{FieldFootprint, (*process).readFootprint},
	{FieldSwitches, (*process).readSwitches},
}

func readStat(dir int, buf []byte) (st stat, err error) {
	b, err := readWhole(dir, statFile.ptr(), buf)
	if err != nil {
		return st, err
	}
	if !st.parse(b) {
		return st, errMalformed
	}
	return st, nil
}

func (o *process) readStat(s *Snapshot, buf []byte) error {
	st, err := readStat(o.dir, buf)
	if err != nil {
		return err
	}
	if string(st.name) != s.Name { // this comparison does not allocate
		s.Name = string(st.name)
	}
	s.State, s.Parent, s.Started, s.Threads = st.state, st.parent, o.started, st.threads
	s.CPU, s.Faults, s.Nice = st.cpu, st.faults, st.nice
	s.Have |= statFields
	return nil
}

func (o *process) readMemory(s *Snapshot, buf []byte) error {
	b, err := readWhole(o.dir, statmFile.ptr(), buf)
	if err != nil {
		return err
	}
	if !s.Memory.parse(b) {
		return errMalformed
	}
	s.Have |= FieldMemory
	return nil
}

var pageSize = uint64(unix.Getpagesize())

// parse reads the content of /proc/PID/statm, which is in pages. It returns false
// if that is malformed.
func (m *Memory) parse(b []byte) bool {
	var f [6]uint64 // size resident shared text lib data; the last column, dt, is always 0
	for i := range f {
		var ok bool
		if f[i], b, ok = number(bytes.TrimLeft(b, " ")); !ok || f[i] > ^uint64(0)/pageSize {
			return false
		}
		f[i] *= pageSize
	}
	*m = Memory{VMS: f[0], RSS: f[1], Shared: f[2], Text: f[3], Data: f[5], HaveParts: true}
	return true
}

func (o *process) readIO(s *Snapshot, buf []byte) error {
	b, err := readWhole(o.dir, ioFile.ptr(), buf)
	if err != nil {
		return err
	}
	if !s.IO.parse(b) {
		return errMalformed
	}
	s.Have |= FieldIO
	return nil
}

// parse reads the content of /proc/PID/io. Kernels without
// CONFIG_TASK_IO_ACCOUNTING have no read_bytes. It returns false if no pair is
// there.
func (io *IO) parse(b []byte) bool {
	*io = IO{}
	for _, pair := range [...]struct {
		readKey, writeKey string
		read, write       *uint64
		field             IOFields
	}{ // in the order of the file: each search starts after the previous pair
		{"rchar", "wchar", &io.ReadChars, &io.WriteChars, IOChars},
		{"syscr", "syscw", &io.ReadOps, &io.WriteOps, IOOps},
		{"read_bytes", "write_bytes", &io.ReadBytes, &io.WriteBytes, IOBytes},
	} {
		n, ok1 := numberOf(b, pair.readKey)
		rest, _ := valueOf(b, pair.writeKey)
		m, rest, ok2 := number(rest)
		if ok1 && ok2 {
			*pair.read, *pair.write = n, m
			io.Have |= pair.field
			b = bytes.TrimPrefix(rest, []byte("\n"))
		}
	}
	return io.Have != 0
}

// readFDs counts the descriptors by the size of /proc/PID/fd if the kernel sets it, and
// otherwise by its entries.
func (o *process) readFDs(s *Snapshot, buf []byte) error {
	if o.fdCountIsSize {
		n, err := sizeAt(o.dir, fdDir)
		if err != nil {
			return err
		}
		s.FDs = int(n)
		s.Have |= FieldFDs
		return nil
	}
	dir, err := openAt(o.dir, fdDir, asDirectory)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	n := 0
	if err := eachEntry(dir, buf, func([]byte) bool { n++; return true }); err != nil {
		return err
	}
	s.FDs = n
	s.Have |= FieldFDs
	return nil
}

func (o *process) readOwner(s *Snapshot, buf []byte) error {
	b, err := readWhole(o.dir, statusFile.ptr(), buf)
	if err != nil {
		return err
	}
	if !s.Owner.parse(b) {
		return errMalformed
	}
	s.Have |= FieldOwner
	return nil
}

// parse reads the real, effective and saved IDs in /proc/PID/status.
func (o *Owner) parse(b []byte) bool {
	three := func(key string) (f [3]uint32, ok bool) {
		rest, ok := valueOf(b, key)
		for i := range f {
			var n uint64
			if n, rest, ok = number(bytes.TrimLeft(rest, "\t ")); !ok || n > 1<<32-1 {
				return f, false
			}
			f[i] = uint32(n)
		}
		return f, ok
	}
	uid, ok1 := three("Uid")
	gid, ok2 := three("Gid")
	*o = Owner{
		UID: uid[0], EUID: uid[1], SavedUID: uid[2],
		GID: gid[0], EGID: gid[1], SavedGID: gid[2],
		HaveIDs: ok1 && ok2,
	}
	return o.HaveIDs
}

func (o *process) readFootprint(s *Snapshot, buf []byte) error {
	b, err := readWhole(o.dir, rollupFile.ptr(), buf)
	if err != nil {
		return err
	}
	if !s.Footprint.parse(b) {
		return errMalformed
	}
	s.Have |= FieldFootprint
	return nil
}

// parse reads the content of /proc/PID/smaps_rollup (Linux 4.14), which is in KiB.
func (f *Footprint) parse(b []byte) bool {
	ok := true
	sum := func(keys ...string) (bytes uint64) {
		for _, key := range keys {
			n, found := numberOf(b, key)
			ok = ok && found
			bytes += n << 10
		}
		return bytes
	}
	*f = Footprint{
		USS:  sum("Private_Clean", "Private_Dirty", "Private_Hugetlb"),
		PSS:  sum("Pss"),
		Swap: sum("Swap"),
	}
	return ok
}
