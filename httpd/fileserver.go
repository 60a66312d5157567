package httpd

import (
	"github.com/spf13/afero"

	"sluice/internal/filecache"
	"sluice/internal/vfs"
)

// FileServer returns a Handler for fsys, as http.FileServer does for its file
// systems. For an io/fs.FS use afero.FromIOFS. More can be set in the fields of the
// Handler.
func FileServer(fsys afero.Fs) *Handler { return &Handler{FS: fsys} }

// Root is a directory that no name and no symbolic link leads out of, and an
// afero.Fs. It is read-only; Writable makes it writable.
//
// Besides the methods of afero.Fs it has
//
//	Close() error                          // also closes the results of Writable, but not those of Sub
//	Sub(name string) (*Root, error)        // a directory in it, as a Root that the caller closes
//	Writable() *Root                       // the same directory, in which files may be changed
//	CanWrite() bool                        // whether files may be changed through this Root
//	Dir() string                           // the absolute path by which it was opened
//
// Each error is an *fs.PathError or *os.LinkError with the name as it was given,
// and does not contain the path of the directory.
type Root = vfs.Root

// Dir opens the directory name. The Root stays with the directory when that is
// renamed. The caller closes it, after the last request.
func Dir(name string) (*Root, error) { return vfs.Open(name) }

// Join returns a file system that shows main, and others at the paths that are their keys, such as "/releases". A name
// belongs to the file system with the longest path above it. Files of main beneath such a path are hidden; directories on
// the way to it need not exist. Files keep how they are sent and received: those of a [Root] by sendfile(2).
//
// Names are compared as text: no link leads from one file system to another, and nothing can be renamed from one to
// another. The file systems are closed by the caller.
func Join(main afero.Fs, others map[string]afero.Fs) (afero.Fs, error) {
	return vfs.JoinFS(main, others)
}

// CacheStats describes the files that a Handler keeps open: Entries is the number of
// names in the cache, Files the number of those with a descriptor, Memory the bytes of
// contents, and Opens how often a name was opened in the file system.
type CacheStats = filecache.Stats

// CacheStats describes the files that the Handler keeps open. It may be called at any
// time.
func (h *Handler) CacheStats() CacheStats {
	if c := h.cache(); c != nil {
		return c.Stats()
	}
	return CacheStats{}
}

// Close closes the files that the Handler keeps open between requests; without
// it, they are closed ten seconds after their last use. Later requests are still
// answered. It never fails.
func (h *Handler) Close() error {
	if c := h.cache(); c != nil {
		return c.Close()
	}
	return nil
}
