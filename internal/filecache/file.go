package filecache

import (
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/fileid"
	"sluice/internal/mounts"
	"sluice/internal/residence"
	"sluice/internal/vfs"
)

// File is an open file or directory. One of the operating system is shared by all
// its users, who may change only Extra. Any other belongs to its one user, and is for
// one goroutine at a time.
type File struct {
	File afero.File  // only ReadAt and Stat may be called
	Info fs.FileInfo // of the name when it was opened, which for an object of a store is not that of File
	Body []byte      // the whole content if it is kept, else nil

	// Residence is where the content on the disk is; Unknown unless File is an *os.File.
	Residence residence.Residence

	// Mount admits calls for the file that may hang. It is that of the path by which the file was opened.
	Mount *mounts.Mount

	// Extra is for users of the cache: values derived from this state of the file,
	// which are kept as long as the File.
	Extra atomic.Value

	os      *os.File     // File, if it is one; else nil
	isOther bool         // Info is not that of os
	failed  atomic.Bool  // see Fail
	refs    atomic.Int32 // number of users, with the cache
	id      fileid.ID
	settled bool // a later change must change the id
}

// Release ends the caller's use of the file. It is called once for each Get or
// Hit; the descriptor is closed with the last.
func (f *File) Release() {
	switch refs := f.refs.Add(-1); {
	case refs == 0 && f.Residence == residence.Remote:
		go func() { // close(2) waits for the server of a FUSE mount
			f.Mount.EnterLater()
			defer f.Mount.Leave()
			f.close()
		}()
	case refs == 0:
		f.close()
	case refs < 0:
		panic("filecache: a File was released more often than it was got")
	}
}

func (f *File) close() {
	if f.os != nil {
		openDevices.remove(f.id.Device) // before the device can be removed
	}
	_ = f.File.Close() // an error does not matter: it was only read
}

// Fail says that a call for the file has failed, so that the cache opens its name again. The system may go on to describe
// such a file as if nothing had happened, and a file that is opened now as the same one: a file of NFS, for example, after
// its server was restored from a copy.
func (f *File) Fail() { f.failed.Store(true) }

// IsShared reports whether the caller is not the only user of the file: a cache
// keeps it, or other callers use it as well.
func (f *File) IsShared() bool { return f.refs.Load() > 1 }

// newFile makes a File with one user. Or it returns old, with one more user, if that
// is the same file and has not changed; then the caller closes opened.
func newFile(opened afero.File, m *mounts.Mount, old *File, body int64, now time.Time) (*File, error) {
	if err := m.Enter(); err != nil {
		return nil, err
	}
	defer m.Leave()
	content := opened
	osFile, isOS := vfs.OSFile(opened)
	if isOS && content != osFile { // a copy on the disk, which does not depend on what the name lies on
		content, m = osFile, mounts.Of(osFile.Name())
	}
	id, err := fileid.Of(content)
	if err != nil {
		return nil, err
	}
	isSame := old != nil && old.is(id) && (content == opened || old.isDescribedAs(opened))
	if isSame && (old.cannotFail() || old.hasSameID()) {
		old.refs.Add(1)
		return old, nil
	}
	f := &File{File: content, Mount: m, os: osFile, isOther: content != opened, id: id, settled: id.Settled(now)}
	f.refs.Store(1)
	if f.Info, err = opened.Stat(); err != nil {
		return nil, err
	}
	if f.Info.Mode().IsRegular() && vfs.IsUnsized(opened, f.Info.Size()) {
		return nil, vfs.ErrUnsized // nobody could say how long a response is, or where it was cut
	}
	if f.os != nil {
		f.Residence = openDevices.add(id.Device, f.os)
	}
	if f.os != nil && f.Info.Mode().IsRegular() && f.Info.Size() <= body {
		f.Body = readWhole(f.os, f.Info.Size())
		if !f.hasSameID() {
			f.Body = nil
		}
	}
	return f, nil
}

// is reports whether id, a later one, shows that the file has not changed since it was opened.
func (f *File) is(id fileid.ID) bool {
	return (f.settled || f.Body == nil) && f.id == id && !f.failed.Load()
}

// Stat describes the name as Info does, as far as it is known without the name.
func (f *File) Stat() (fs.FileInfo, error) {
	if f.isOther {
		return f.Info, nil
	}
	if err := f.Mount.Enter(); err != nil {
		return nil, err
	}
	defer f.Mount.Leave()
	return f.File.Stat()
}

// isDescribedAs reports whether Stat of opened, which is not about the file on the disk, still returns Info.
func (f *File) isDescribedAs(opened afero.File) bool {
	info, err := opened.Stat()
	return err == nil && info.ModTime().Equal(f.Info.ModTime()) && info.Mode() == f.Info.Mode()
}

// readWhole returns the n bytes that a file has, or nil.
func readWhole(f *os.File, n int64) []byte {
	body := make([]byte, n)
	if n == 0 {
		return body
	}
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, n), body); err != nil {
		return nil
	}
	return body
}

// isCurrentOnDisk reports whether the file is known not to have changed since it was opened. A Body cannot change.
func (f *File) isCurrentOnDisk() bool {
	if f.Mount.Enter() != nil {
		return false
	}
	defer f.Mount.Leave()
	return f.hasSameID()
}

// cannotFail reports whether the descriptor goes on to work, as those of files of this machine do, or is not needed.
func (f *File) cannotFail() bool { return f.os == nil || f.Residence.IsLocal() || f.Body != nil }

func (f *File) hasSameID() bool {
	id, err := fileid.Of(f.os)
	if err != nil {
		f.Fail()
	}
	return err == nil && id == f.id && !f.failed.Load()
}

// isIdle reports whether only the cache uses the file; f may be nil.
func (f *File) isIdle() bool { return f != nil && f.refs.Load() == 1 }
