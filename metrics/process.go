package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"time"
)

// A ProcessID names one process of this boot: two that had the same PID, one
// after the other, differ in Start. It is comparable, and a key for maps.
type ProcessID struct {
	PID   int
	Start uint64 // in a unit of the system; 0 if that cannot be told
}

// A Process is a handle on a process that cannot come to mean another one: when
// the process has ended, and even when its PID has been given away, all its
// methods fail with ErrNoProcess. Several goroutines may use it.
//
// On Linux it holds one descriptor, that of /proc/PID, and one of Self five.
type Process struct {
	host Host
	id   ProcessID
	os   process
}

// Self returns a handle on this process, made to be kept: reading it costs a
// third of reading another. The caller closes it.
func Self() *Process {
	p := new(Process)
	p.openSelf()
	return p
}

// Open returns a handle on a process. The error is ErrNoProcess, or one that
// is fs.ErrPermission. The caller closes it.
func (h Host) Open(pid int) (*Process, error) {
	p := &Process{host: h}
	if err := p.open(pid); err != nil {
		return nil, processError(pid, "open", err)
	}
	return p, nil
}

// Processes returns all processes of the host. Those that end meanwhile are left
// out. The handle is of one step only: it is reused in the next and closed at
// the end. To keep one, Open its PID and compare the ID. An error ends the
// iteration. Each loop asks anew.
func (h Host) Processes() iter.Seq2[*Process, error] {
	return func(yield func(*Process, error) bool) {
		if err := h.processes(func(p *Process) bool { return yield(p, nil) }); err != nil {
			yield(nil, fmt.Errorf("metrics: processes: %w", err))
		}
	}
}

// ID names the process.
func (p *Process) ID() ProcessID { return p.id }

// Close gives back what the handle holds. It waits for calls under way; later
// ones fail with fs.ErrClosed.
func (p *Process) Close() error { return p.os.close() }

// Read fills s with the groups that are asked for, and perhaps more that come
// along, each source read once; what s held before is gone. What was refused,
// or does not exist here, is not in s.Have. Only if nothing at all can be told
// is there an error: ErrNoProcess, or one that is fs.ErrPermission or
// errors.ErrUnsupported.
//
// On Linux nothing is allocated for Basic, but for the name if it is not that
// which s had before.
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

// Alive reports whether the process has not ended. A zombie has. If that cannot
// be told, because it is refused or the handle is closed, it is not alive.
func (p *Process) Alive() bool {
	var s Snapshot
	err := p.Read(&s, FieldState|FieldParent)
	return err == nil && s.State != Zombie && s.State != Dead
}

// Parent returns a handle on the parent. The error is ErrNoProcess if there is
// none, or it has just ended and an heir is not told yet. The caller closes the
// handle.
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
	if parent.id.Start > p.id.Start { // another one that has its PID now
		return nil, errors.Join(processError(p.id.PID, "parent", ErrNoProcess), parent.Close())
	}
	return parent, nil
}

// Children returns the processes that p is the parent of, in no order, but for
// those that are hidden from this one. It looks through all processes.
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
			// It has ended since, or is hidden.
		case err != nil:
			return nil, err
		case s.Have.Has(FieldParent) && s.Parent == p.id.PID && other.id.Start >= p.id.Start:
			children = append(children, other.id)
		}
	}
	return children, nil
}

// processError names the process and what was tried.
func processError(pid int, op string, err error) error {
	if err == nil || errors.Is(err, fs.ErrClosed) {
		return err
	}
	return fmt.Errorf("metrics: process %d: %s: %w", pid, op, err)
}
