package metrics

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	fdinfoDir   cstring = "fdinfo\x00"
	cmdlineFile cstring = "cmdline\x00"
	environFile cstring = "environ\x00"
	limitsFile  cstring = "limits\x00"
	exeLink     cstring = "exe\x00"
	cwdLink     cstring = "cwd\x00"
)

// readIdentity leaves values empty that are refused or do not exist, like the
// program of a kernel thread.
func (o *process) readIdentity(s *Snapshot, buf []byte) error {
	cmdline, err := readFile(o.dir, cmdlineFile)
	if err != nil {
		return err
	}
	s.Identity.Args = splitStrings(cmdline)
	s.Identity.Exe, _ = readLink(o.dir, exeLink.ptr())
	s.Identity.Cwd, _ = readLink(o.dir, cwdLink.ptr())
	if st, err := readStat(o.dir, buf); err == nil {
		s.Identity.Terminal = terminalName(st.tty)
	}
	s.Have |= FieldIdentity
	return nil
}

// splitStrings splits strings that each end in a zero byte. The last one may lack
// it.
func splitStrings(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	var all []string
	for s := range bytes.SplitSeq(bytes.TrimSuffix(b, []byte{0}), []byte{0}) {
		all = append(all, string(s))
	}
	return all
}

// terminalName returns the path of the terminal with a device number, by the
// kernel's admin-guide/devices.txt, or "" if the device is no terminal.
func terminalName(device int) string {
	major, minor := unix.Major(uint64(uint32(device))), unix.Minor(uint64(uint32(device)))
	switch {
	case 136 <= major && major <= 143:
		return fmt.Sprintf("/dev/pts/%d", (major-136)<<8|minor)
	case major == 4 && minor < 64:
		return fmt.Sprintf("/dev/tty%d", minor)
	case major == 4:
		return fmt.Sprintf("/dev/ttyS%d", minor-64)
	}
	return ""
}

func (p *Process) environ() ([]string, error) {
	b, err := p.os.file(environFile)
	return splitStrings(b), err
}

func (p *Process) limits() (map[Resource]ResourceLimit, error) {
	b, err := p.os.file(limitsFile)
	if err != nil {
		return nil, err
	}
	return parseLimits(b), nil
}

// file reads a whole file of the process.
func (o *process) file(name cstring) ([]byte, error) {
	if err := o.rlock(); err != nil {
		return nil, err
	}
	defer o.mu.RUnlock()
	b, err := readFile(o.dir, name)
	if err != nil {
		return nil, o.explain(err)
	}
	return b, nil
}

var limitNames = map[string]Resource{
	"Max cpu time":          LimitCPU,
	"Max file size":         LimitFileSize,
	"Max data size":         LimitData,
	"Max stack size":        LimitStack,
	"Max core file size":    LimitCore,
	"Max resident set":      LimitRSS,
	"Max processes":         LimitProcesses,
	"Max open files":        LimitOpenFiles,
	"Max locked memory":     LimitLocked,
	"Max address space":     LimitAddressSpace,
	"Max file locks":        LimitLocks,
	"Max pending signals":   LimitSignals,
	"Max msgqueue size":     LimitQueues,
	"Max nice priority":     LimitNice,
	"Max realtime priority": LimitRealtime,
	"Max realtime timeout":  LimitRealtimeTime,
}

// parseLimits reads the content of /proc/PID/limits: a name padded to 26 columns,
// then the soft and the hard limit, each a number or "unlimited".
func parseLimits(b []byte) map[Resource]ResourceLimit {
	limits := make(map[Resource]ResourceLimit)
	for line := range bytes.Lines(b) {
		if len(line) < 26 {
			continue
		}
		resource, known := limitNames[string(bytes.TrimSpace(line[:26]))]
		values := bytes.Fields(line[26:])
		if !known || len(values) < 2 {
			continue
		}
		soft, ok1 := parseLimit(values[0])
		hard, ok2 := parseLimit(values[1])
		if ok1 && ok2 {
			limits[resource] = ResourceLimit{Soft: soft, Hard: hard}
		}
	}
	return limits
}

func parseLimit(b []byte) (uint64, bool) {
	if string(b) == "unlimited" {
		return Unlimited, true
	}
	n, rest, ok := number(b)
	return n, ok && len(rest) == 0
}

func (p *Process) threads() ([]Thread, error) {
	o := &p.os
	if err := o.rlock(); err != nil {
		return nil, err
	}
	defer o.mu.RUnlock()
	tasks, err := openAt(o.dir, taskDir, asDirectory)
	if err != nil {
		return nil, o.explain(err)
	}
	defer unix.Close(tasks)
	var threads []Thread
	var names, buf [bufferSize]byte
	var failed error
	err = eachEntry(tasks, names[:], func(tid []byte) bool {
		b, err := readWhole(tasks, joinName(tid, "/stat").ptr(), buf[:])
		var st stat
		switch {
		case errors.Is(asNoProcess(err), ErrNoProcess): // the thread has ended
		case err != nil:
			failed = err
		case !st.parse(b):
			failed = errMalformed
		default:
			threads = append(threads, Thread{ID: st.pid, User: st.cpu.User, System: st.cpu.System})
		}
		return failed == nil
	})
	switch {
	case err != nil:
		return nil, o.explain(err)
	case failed != nil:
		return nil, failed
	case threads == nil:
		return nil, ErrNoProcess
	}
	return threads, nil
}

// joinName returns dir + name as a cstring; name begins with a slash.
func joinName(dir []byte, name string) cstring { return cstring(string(dir) + name + "\x00") }

func (p *Process) openFiles() ([]OpenFile, error) {
	o := &p.os
	if err := o.rlock(); err != nil {
		return nil, err
	}
	defer o.mu.RUnlock()
	dir, err := openAt(o.dir, fdDir, asDirectory)
	if err != nil {
		return nil, o.explain(err)
	}
	defer unix.Close(dir)
	info, err := openAt(o.dir, fdinfoDir, pathOnly)
	if err != nil {
		return nil, o.explain(err)
	}
	defer unix.Close(info)

	var files []OpenFile
	var names, buf [bufferSize]byte
	var failed error
	err = eachEntry(dir, names[:], func(name []byte) bool {
		fd, err := strconv.Atoi(string(name))
		path, linkErr := readLink(dir, &name[0])
		if linkErr != nil && !errors.Is(asNoProcess(linkErr), ErrNoProcess) { // unless the descriptor was closed
			failed = linkErr
			return false
		}
		if err != nil || path == "" || path[0] != '/' { // not a file, such as "socket:[4711]"
			return true
		}
		var st unix.Stat_t
		if injectedError("fstatat") != 0 || unix.Fstatat(dir, string(name), &st, 0) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			return true
		}
		f := OpenFile{FD: fd, Path: path, Position: -1, Flags: -1}
		if b, err := readWhole(info, &name[0], buf[:]); err == nil {
			f.parseInfo(b)
		}
		files = append(files, f)
		return true
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, o.explain(err)
	}
	slices.SortFunc(files, func(a, b OpenFile) int { return cmp.Compare(a.FD, b.FD) })
	return files, nil
}

// parseInfo reads the content of /proc/PID/fdinfo/FD, whose flags are octal.
func (f *OpenFile) parseInfo(b []byte) {
	if pos, ok := numberOf(b, "pos"); ok {
		f.Position = int64(pos)
	}
	if value, ok := valueOf(b, "flags"); ok {
		digits, _, _ := bytes.Cut(value, []byte("\n"))
		if flags, err := strconv.ParseUint(string(digits), 8, 31); err == nil {
			f.Flags = int(flags)
		}
	}
}
