package ftpd

import (
	"context"
	"io/fs"
	"path"
	"time"
)

// keptFor resolves Server.KeepPartials; zero: they are not kept.
func (s *Server) keptFor() time.Duration { return max(or(s.KeepPartials, 72*time.Hour), 0) }

// Sweep removes from the tree what uploads have left that broke off longer ago
// than KeepPartials, or that a crash has ended; unless Write is set it does
// nothing. It walks the whole tree and blocks until it is through or ctx ends,
// whose error it returns then. Call it now and then. Uploads under way are
// younger, and stay: each moves within StallTimeout.
func (s *Server) Sweep(ctx context.Context) (removed int, err error) {
	if !s.Write {
		return 0, nil
	}
	tree := s.Tree.Writable()
	old := time.Now().Add(-max(s.keptFor(), time.Hour, 2*s.stallTimeout()))
	err = tree.Walk("/", func(name string, info fs.FileInfo, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && info.Mode().IsRegular() && isPartial(path.Base(name)) && info.ModTime().Before(old) &&
			tree.Remove(name) == nil {
			removed++
		}
		return nil // a directory that cannot be read is passed over
	})
	return removed, err
}
