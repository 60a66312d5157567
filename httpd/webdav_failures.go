package httpd

import (
	"context"
	"io"
	"strconv"

	"sluice/httpd/internal/dav"
	"sluice/httpd/internal/plan"
	"sluice/internal/vfs"
)

// failures are the files of a directory that a COPY or a DELETE has failed for. They are the body of the response.
type failures struct {
	ch     *change
	all    []failure // the first ones
	n      int       // of all
	isFull bool      // the disk is
}

type failure struct {
	name  string
	isDir bool
	why   *refusal
}

// maxFailures bounds the memory for one response.
const maxFailures = 10_000

func (f *failures) add(name string, isDir bool, err error) {
	f.n++
	f.isFull = f.isFull || vfs.IsFull(err)
	if len(f.all) < maxFailures {
		f.all = append(f.all, failure{name, isDir, f.ch.explain(err)})
	}
}

func (f *failures) release() {}

func (f *failures) write(_ context.Context, w io.Writer) error {
	m := dav.NewMultistatus(w)
	for _, one := range f.all {
		status := strconv.Itoa(one.why.status) + " " + plan.StatusText(one.why.status)
		if err := m.Failure(f.ch.href(one.name, one.isDir), status, one.why.reason); err != nil {
			return err
		}
	}
	return m.Close()
}
