package httpd

import (
	"github.com/spf13/afero"

	"sluice/internal/filecache"
	"sluice/internal/vfs"
)

// FileServer returns a Handler for fsys, as http.FileServer does for its file
// systems: any io/fs.FS is one by afero.FromIOFS. More can be set in the fields
// of the Handler.
func FileServer(fsys afero.Fs) *Handler { return &Handler{FS: fsys} }

// Root is a directory that no name and no symbolic link leads out of, and an
// afero.Fs. It is read-only.
//
// Besides the methods of afero.Fs it has
//
//	Close() error                          // for all that came of it by Writable, but not by Sub
//	Sub(name string) (*Root, error)        // a directory in it, as a Root that the caller closes
//	Writable() *Root                       // the same directory, in which files may be changed, as by FTP
//	CanWrite() bool                        // whether they may, through this Root
//	Dir() string                           // the absolute path that it was opened by
//
// Each error is an *fs.PathError or *os.LinkError with the name as it was given,
// and holds nothing of the path of the directory.
type Root = vfs.Root

// Dir opens the directory name to be served. It follows the directory rather
// than its name. The caller closes it, after the last request.
func Dir(name string) (*Root, error) { return vfs.Open(name) }

// CacheStats is what a Handler keeps open: Entries is the number of names that it
// remembers, Files how many of them have a descriptor, Memory the bytes of
// contents, and Opens how often the file system was asked for a name.
type CacheStats = filecache.Stats

// CacheStats tells what the Handler keeps open. It may be called at any time.
func (h *Handler) CacheStats() CacheStats {
	if c := h.cache(); c != nil {
		return c.Stats()
	}
	return CacheStats{}
}

// Close closes the files that the Handler keeps open between requests; without
// it, that happens ten seconds after their last use. Requests that come later are
// still answered. It never fails.
func (h *Handler) Close() error {
	if c := h.cache(); c != nil {
		return c.Close()
	}
	return nil
}
