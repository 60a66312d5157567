package s3fs

import (
	"context"
	"sync"
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

// checkVersions reports that the bucket keeps old versions of files, because they take space that nobody sees. A store that
// does not say counts as one without.
func (s *FS) checkVersions(ctx context.Context) {
	if s.problems.report == nil || !s.writing.allowed {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if v, err := s.client.GetBucketVersioning(ctx, s.bucket); err == nil && v.Enabled() {
		s.problems.add("", "the bucket has versions: files that are replaced or removed stay in the store, and take space")
	}
}
