package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"time"
)

// A ProcessID identifies a process for as long as the host runs: if a PID is
// reused, Start differs. It is comparable and may be a map key.
type ProcessID struct {
	PID   int
	Start uint64 // when the process started, in a unit of the system; 0 if unknown
}

// A Process is a handle on one process. It never refers to another: after the
// process has ended, its methods fail with ErrNoProcess, even if the PID has been
// reused. It is safe for concurrent use.
//
// On Linux a handle holds one descriptor, and the handle of Self holds five.
type Process struct {
	host Host
	id   ProcessID
	os   process
}

// Self returns a handle on this process. Keep it for repeated reads, which cost a
// third of reading another process. The caller must close it.
func Self() *Process {
	p := new(Process)
	p.openSelf()
	return p
}

// Open returns a handle on the process pid. The caller must close it. The error is
// ErrNoProcess if there is no such process, and fs.ErrPermission if it is hidden
// from this user.
func (h Host) Open(pid int) (*Process, error) {
	p := &Process{host: h}
	if err := p.open(pid); err != nil {
		return nil, processError(pid, "open", err)
	}
	return p, nil
}

// Processes iterates over all processes of the host, except those that end
// meanwhile or are hidden from this user. The handle is valid until the next
// iteration; the caller must not close it. To keep a process, Open its PID and
// compare the IDs. An error ends the iteration. Each loop lists the processes anew.
func (h Host) Processes() iter.Seq2[*Process, error] {
	return func(yield func(*Process, error) bool) {
		if err := h.processes(func(p *Process) bool { return yield(p, nil) }); err != nil {
			yield(nil, fmt.Errorf("metrics: processes: %w", err))
		}
	}
}

// ID returns the ProcessID of the process.
func (p *Process) ID() ProcessID { return p.id }

// Close releases the descriptors of the handle. It waits for calls in progress;
// later calls fail with fs.ErrClosed.
func (p *Process) Close() error { return p.os.close() }

// Read overwrites s with the groups in want, and with groups that come from the
// same sources. s.Have says which groups s has: groups that the system refused or
// does not have are missing from it. Read returns an error only if it can read no
// group at all: ErrNoProcess, fs.ErrPermission or errors.ErrUnsupported.
//
// On Linux, reading Basic allocates nothing, except the name if it differs from
// the one that s had before.
func (p *Process) Read(s *Snapshot, want Fields) error {
	*s = Snapshot{ID: p.id, At: time.Now(), Name: s.Name}
	err := p.read(s, want)
	if !s.Have.Has(FieldName) {
		s.Name = ""
	}
	switch {
	case s.Have != 0 || want == 0:
		return nil
	case err == nil:
		err = errors.ErrUnsupported
	}
	return processError(p.id.PID, "read", err)
}

// Alive reports whether the process runs: whether one of its threads does. It
// returns false for a zombie, and if the state cannot be read, because access is
// refused or the handle is closed.
func (p *Process) Alive() bool {
	ended, err := p.ended()
	return err == nil && !ended
}

// ended reports whether all threads of the process have ended.
func (p *Process) ended() (bool, error) {
	var s Snapshot
	switch err := p.Read(&s, FieldState|FieldParent); {
	case errors.Is(err, ErrNoProcess):
		return true, nil
	case err != nil:
		return false, err
	}
	// On Linux the state is that of the first thread, which remains as a zombie
	// while others run. On other systems it is that of the process.
	return (s.State == Zombie || s.State == Dead) && !(s.Have.Has(FieldThreads) && s.Threads > 1), nil
}

// Parent returns a handle on the parent process. The caller must close it. The
// error is ErrNoProcess if there is no parent, or if it has just ended and the
// kernel has not named a new one yet.
func (p *Process) Parent() (*Process, error) {
	var s Snapshot
	if err := p.Read(&s, FieldParent); err != nil {
		return nil, err
	}
	if !s.Have.Has(FieldParent) {
		return nil, processError(p.id.PID, "parent", errors.ErrUnsupported)
	}
	if s.Parent == 0 {
		return nil, processError(p.id.PID, "parent", ErrNoProcess)
	}
	parent, err := p.host.Open(s.Parent)
	if err != nil {
		return nil, err
	}
	if parent.id.Start > p.id.Start { // a later process that reuses the parent's PID
		return nil, errors.Join(processError(p.id.PID, "parent", ErrNoProcess), parent.Close())
	}
	return parent, nil
}

// Children returns the child processes of p, in no order, without those that are
// hidden from this user. It reads all processes of the host.
func (p *Process) Children() ([]ProcessID, error) {
	var s Snapshot
	if err := p.Read(&s, FieldParent); err != nil {
		return nil, err
	}
	var children []ProcessID
	for other, err := range p.host.Processes() {
		if err != nil {
			return nil, err
		}
		switch err := other.Read(&s, FieldParent); {
		case errors.Is(err, ErrNoProcess), errors.Is(err, fs.ErrPermission), errors.Is(err, errors.ErrUnsupported):
			// The process has ended, or is hidden from this user.
		case err != nil:
			return nil, err
		case s.Have.Has(FieldParent) && s.Parent == p.id.PID && other.id.Start >= p.id.Start:
			children = append(children, other.id)
		}
	}
	return children, nil
}

// processError adds the PID and the operation to err, unless it is nil or
// fs.ErrClosed.
func processError(pid int, op string, err error) error {
	if err == nil || errors.Is(err, fs.ErrClosed) {
		return err
	}
	return fmt.Errorf("metrics: process %d: %s: %w", pid, op, err)
}
