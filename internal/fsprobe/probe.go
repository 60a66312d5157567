package fsprobe

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"sluice/internal/mounts"
)

// Options says what Probe may do. The zero value only reads.
type Options struct {
	// Write allows making hidden files in the directory, which are removed again.
	Write bool

	// Patience is how long Probe waits for the file system. Zero means 5 seconds. Steps that would begin after half of it
	// are left out.
	Patience time.Duration
}

// Probe finds out what the file system of a directory can do. dir is absolute, clean, and has no links. If the file system
// is local, nothing is tried. Calls that hang go on after Probe has returned, and then remove what they have made.
func Probe(dir string, o Options) Report {
	r := Report{Dir: dir}
	if what, ok := mounts.Describe(dir); ok {
		r.describe(what)
		if r.Kind == Local {
			return r
		}
	}
	mount := mounts.Of(dir)
	if !mount.TryEnter() {
		r.Hangs, r.During = true, "earlier calls"
		return r
	}
	patience := cmp.Or(o.Patience, 5*time.Second)
	p := &probe{write: o.Write, until: time.Now().Add(patience / 2)}
	p.begin(&r, "opening the directory")
	done := make(chan Report, 1)
	go func(r Report) { // of its own: this function may give up before it begins
		defer mount.Leave()
		done <- p.run(r)
	}(r)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r = <-done:
	case <-timer.C:
		r = *p.latest.Load()
		r.Hangs = true
	}
	return r
}

// describe adds what the system says without asking the file system.
func (r *Report) describe(what mounts.FileSystem) {
	r.Type, r.Source, r.Kind = what.Type, what.Source, kindOf(what.Type)
	r.Options = strings.Split(what.Options, ",")
}

// probe is the trying of a directory.
type probe struct {
	write bool
	until time.Time // no step begins after that

	latest atomic.Pointer[Report] // what is known so far, and what is being tried
}

// begin notes what is known and what comes next, and reports whether there is time for it.
func (p *probe) begin(r *Report, step string) bool {
	latest := *r
	latest.During = step
	p.latest.Store(&latest)
	return time.Now().Before(p.until)
}

// run returns r with what was found out.
func (p *probe) run(r Report) Report {
	root, err := os.OpenRoot(r.Dir)
	if err != nil {
		r.Err = cause(err)
		return r
	}
	defer root.Close()
	if r.Type == "" {
		p.begin(&r, "its type")
		if dir, err := root.Open("."); err == nil {
			r.Type = typeOf(dir)
			_ = dir.Close()
		}
		if r.Kind = kindOf(r.Type); r.Kind == Local {
			return r
		}
	}
	if p.write {
		p.tryWriting(root, &r)
	}
	if r.Sendfile == NotTried && p.begin(&r, "reading") {
		p.tryReading(root, &r)
	}
	return r
}

// cause returns err without its operation and path.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
