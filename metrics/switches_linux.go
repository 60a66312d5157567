package metrics

import (
	"errors"

	"golang.org/x/sys/unix"
)

// readSwitches adds up the context switches of all threads. /proc/PID/status has
// only those of the first thread, in a Go program a small part.
func (o *process) readSwitches(s *Snapshot, buf []byte) error {
	if s.Have.Has(FieldThreads) && s.Threads == 1 {
		b, err := readWhole(o.dir, statusFile.ptr(), buf)
		if err != nil {
			return err
		}
		if !s.Switches.add(b) {
			return errMalformed
		}
		s.Have |= FieldSwitches
		return nil
	}
	tasks, err := openAt(o.dir, taskDir, asDirectory)
	if err != nil {
		return err
	}
	defer unix.Close(tasks)
	names := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(names)
	var failed error
	counted := false
	err = eachEntry(tasks, names[:], func(tid []byte) bool {
		var name [32]byte
		copy(name[copy(name[:], tid):], "/status")
		b, err := readWhole(tasks, &name[0], buf)
		switch {
		case errors.Is(asNoProcess(err), ErrNoProcess): // the thread has ended
		case err != nil:
			failed = err
		case !s.Switches.add(b):
			failed = errMalformed
		default:
			counted = true
		}
		return failed == nil
	})
	switch {
	case err != nil:
	case failed != nil:
		err = failed
	case !counted: // all of them have ended
		err = ErrNoProcess
	}
	if err != nil {
		s.Switches = Switches{}
		return err
	}
	s.Have |= FieldSwitches
	return nil
}

// add adds the context switches in /proc/PID/task/TID/status. It returns false if
// they are missing.
func (w *Switches) add(b []byte) bool {
	voluntary, ok1 := numberOf(b, "voluntary_ctxt_switches")
	involuntary, ok2 := numberOf(b, "nonvoluntary_ctxt_switches")
	w.Voluntary += voluntary
	w.Involuntary += involuntary
	return ok1 && ok2
}
