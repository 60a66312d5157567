package s3fs

import (
	"context"
	"sync"

	"github.com/minio/minio-go/v7"
)

// maxProblems bounds the memory for keys that were reported.
const maxProblems = 1000

// problems reports each key with which something is wrong, once.
type problems struct {
	report func(key, reason string) // nil: nobody wants it

	mu   sync.Mutex // guards the field below
	seen map[string]struct{}
}

func (p *problems) add(key, reason string) {
	if p.report == nil {
		return
	}
	p.mu.Lock()
	_, isKnown := p.seen[key]
	isKnown = isKnown || len(p.seen) == maxProblems
	if !isKnown {
		if p.seen == nil {
			p.seen = make(map[string]struct{})
		}
		p.seen[key] = struct{}{}
	}
	p.mu.Unlock()
	if !isKnown {
		p.report(key, reason)
	}
}

// checkVersions asks whether the bucket keeps old versions of files, and reports that it does, because they take space that
// nobody sees. A store that does not say counts as one without.
func (s *FS) checkVersions(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	v, err := s.client.GetBucketVersioning(ctx, s.bucket)
	if err != nil || v.Status == "" {
		return
	}
	s.showsRemoved = s.requests.shows.Load()
	if s.writing.allowed && v.Enabled() {
		s.problems.add("", "the bucket has versions: files that are replaced or removed stay in the store, and take space")
	}
}

// existing returns those directories of a listing that have an object. Some stores list directories of which all objects were
// removed, as long as they have old versions of them.
func (s *FS) existing(ctx context.Context, listed []minio.CommonPrefix) (dirs []minio.CommonPrefix, err error) {
	if !s.showsRemoved {
		return listed, nil
	}
	exists := make([]bool, len(listed))
	err = inParallel(len(listed), func(i int) error {
		page, err := s.page(ctx, listed[i].Prefix, "", "", 1)
		exists[i] = len(page.Contents) > 0
		return err
	})
	for i, dir := range listed {
		if exists[i] {
			dirs = append(dirs, dir)
		}
	}
	return dirs, err
}
