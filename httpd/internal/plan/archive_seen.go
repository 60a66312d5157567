package plan

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"sync"
	"time"

	"sluice/internal/vfs"
)

// archivesSeen remembers the archives that were laid out lately: their tags and lengths, so that a HEAD and a request
// for what the client has already cost no walk through the tree. Entries are not remembered, because they take much
// memory, and because an archive that is sent must be of the present files. It is valid until this process changes any
// file, and as long as a change by another process may remain unseen.
type archivesSeen struct {
	mu    sync.Mutex // guards the fields below
	all   map[archiveOf]archiveSeen
	walks map[walk]chan struct{} // closed when the walk has ended
}

// walk is a client that has an archive laid out. Its other requests that may need no body wait for the end of that; those
// of other clients do not, because they have turns of their own.
type walk struct {
	archiveOf
	client netip.Addr
}

// begin begins a walk, or returns what is closed at the end of the one under way.
func (s *archivesSeen) begin(w walk) (other <-chan struct{}, end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.walks[w]; other != nil {
		return other, nil
	}
	if s.walks == nil {
		s.walks = make(map[walk]chan struct{})
	}
	ended := make(chan struct{})
	s.walks[w] = ended
	return nil, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.walks, w)
		close(ended)
	}
}

// archiveOf names an archive.
type archiveOf struct{ dir, word string }

type archiveSeen struct {
	etag       string // of the files
	size       int64  // of the archive, before it is compressed
	until      time.Time
	generation uint64
}

// maxSeen bounds the archives that are remembered, with names of up to 4 KiB.
const maxSeen = 1000

func (s *archivesSeen) find(of archiveOf) (archiveSeen, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, ok := s.all[of]
	if ok && (seen.generation != vfs.Generation() || !time.Now().Before(seen.until)) {
		delete(s.all, of)
		return archiveSeen{}, false
	}
	return seen, ok
}

func (s *archivesSeen) add(l *layout, size int64, valid time.Duration) {
	if valid <= 0 {
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[archiveOf]archiveSeen)
	}
	if len(s.all) >= maxSeen {
		for of, seen := range s.all {
			if !now.Before(seen.until) || len(s.all) >= maxSeen {
				delete(s.all, of)
			}
		}
	}
	s.all[l.of] = archiveSeen{etag: l.etag, size: size, until: now.Add(valid), generation: l.generation}
}

// valid returns how long an archive is remembered.
func (p *Planner) valid() time.Duration {
	if p.CacheValid == 0 {
		return time.Second
	}
	return p.CacheValid
}

// errNotLaidOut means that a body was wanted of an archive that is only remembered.
var errNotLaidOut = errors.New("the archive is not laid out")

// recall answers with an archive that is remembered, or will be when a walk of the same client has ended, if the response
// has no body. Otherwise the caller lays it out, and calls end after that.
func (pl *Plan) recall(ctx context.Context, dir string) (resp Response, end func(), ok bool) {
	r := &pl.request
	for {
		if resp, ok := pl.sendRemembered(dir); ok {
			return resp, nil, true
		}
		if !r.isHead() && r.IfNoneMatch == "" && r.IfMatch == "" { // also for a range, which other connections of the client do not delay
			return Response{}, func() {}, false
		}
		other, end := pl.planner.remembered.begin(walk{archiveOf{dir, pl.archive.word}, r.Client})
		if other == nil {
			return Response{}, end, false
		}
		select {
		case <-other:
		case <-ctx.Done():
			return failure(r, statusServiceUnavailable), nil, true
		}
	}
}

// sendRemembered answers with an archive that is remembered, if the response has no body.
func (pl *Plan) sendRemembered(dir string) (resp Response, ok bool) {
	kind, r := pl.archive, &pl.request
	seen, ok := pl.planner.remembered.find(archiveOf{dir, kind.word})
	if !ok {
		return Response{}, false
	}
	res := kind.describe(dir, seen.etag)
	res.body = Body{{n: seen.size, make: func(context.Context) ([]byte, error) { return nil, errNotLaidOut }}}
	if kind.gzip {
		res.body = streamBody(func(context.Context, io.Writer) error { return errNotLaidOut })
	}
	resp = respond(r, &res, time.Now())
	return resp, r.isHead() || resp.Status != statusOK && resp.Status != statusPartialContent
}
