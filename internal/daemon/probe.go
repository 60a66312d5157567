package daemon

import (
	"slices"
	"sync"
	"time"

	"sluice/internal/fsprobe"
	"sluice/internal/mounts"
)

// maxProbed bounds the file systems that are tried at the start.
const maxProbed = 64

// probe logs what the file systems of the served directory can do that belong to other
// machines or processes, and what may surprise users of them. It waits for them for five
// seconds at most. It runs as the user that the server has become.
func (d *daemon) probe() {
	reports := probeAll(d.placesToProbe())
	for i := range reports {
		r := &reports[i]
		if r.Kind == fsprobe.Local {
			continue
		}
		d.logger.Info("file system of another machine or process", r.Attrs()...)
		for _, c := range r.Concerns() {
			attrs := []any{"at", r.Dir, "instead", c.Instead}
			if r.Hangs {
				attrs = append(attrs, "during", r.During)
			}
			d.logger.Warn(c.What, attrs...)
		}
	}
}

// probePlace has the directories of one file system. The first in which a file can be
// made is tried.
type probePlace struct {
	dirs  []string
	write bool
}

// placesToProbe returns one place for each directory, and for each file system that is
// mounted beneath it.
func (d *daemon) placesToProbe() (places []*probePlace) {
	byPoint := make(map[string]*probePlace)
	add := func(dir, point string) *probePlace {
		p := byPoint[point]
		switch {
		case p != nil:
		case len(places) == maxProbed:
			return nil
		default:
			p = new(probePlace)
			byPoint[point] = p
			places = append(places, p)
		}
		if !slices.Contains(p.dirs, dir) {
			p.dirs = append(p.dirs, dir)
		}
		return p
	}
	pointOf := func(dir string) string {
		what, _ := mounts.Describe(dir)
		return what.Point
	}
	for _, dir := range d.root.dirs() {
		root := resolved(dir)
		add(root, pointOf(root))
		for _, what := range mounts.Under(root) {
			if what.Type != "autofs" { // to open it would mount something
				add(what.Point, what.Point)
			}
		}
	}
	if d.readOnly {
		return places
	}
	for _, a := range writersIn(d.conf) {
		for _, home := range d.root.homes(a.Home) {
			if p := add(home, pointOf(home)); p != nil {
				p.write = true
			}
		}
	}
	if d.conf.Write && (d.conf.UsersFile != "" || d.conf.AuthProgram.Path != "") { // whose users are in no list
		for _, p := range places {
			p.write = true
		}
	}
	return places
}

// probeAll tries all places at the same time.
func probeAll(places []*probePlace) []fsprobe.Report {
	reports := make([]fsprobe.Report, len(places))
	var running sync.WaitGroup
	for i, p := range places {
		running.Go(func() { reports[i] = p.probe() })
	}
	running.Wait()
	return reports
}

func (p *probePlace) probe() (r fsprobe.Report) {
	const maxDirs = 4
	begin := time.Now()
	for _, dir := range p.dirs[:min(len(p.dirs), maxDirs)] {
		tried := fsprobe.Probe(dir, fsprobe.Options{Write: p.write})
		if r.Dir == "" || tried.Err == nil {
			r = tried
		}
		if r.Err == nil || r.Hangs || time.Since(begin) > time.Second {
			break
		}
	}
	return r
}
