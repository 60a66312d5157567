package upload

import (
	"io"

	"github.com/spf13/afero"

	"sluice/internal/quota"
	"sluice/internal/vfs"
)

// minKept is the least number of bytes of a failed upload that are kept.
const minKept = 64 << 10

// Upload is a file that is being received. It is for one goroutine at a time. It ends with the first call of Commit or
// Abort.
type Upload struct {
	store       *Store
	target      Target
	file        afero.File
	writer      io.WriterAt // result of Writer; usually file
	start       int64
	end         int64 // offset after the last byte; set by Commit and Abort
	hasModTime  bool  // result of HasModTime
	uncertain   error // result of Uncertain
	destination destination

	hold    *quota.Hold // counts the file; nil: it has no bound
	hasRoom bool        // for all bytes
}

// destination writes the bytes of an upload to a file. The implementations are hiddenFile, rewritten and inPlace.
type destination interface {
	// commit makes the upload visible. After an error abort is called.
	commit(u *Upload, check func() error) error

	// abort closes the file, and returns how many bytes are kept under a hidden name.
	abort(u *Upload, cause error) (kept int64)
}

// newUpload returns an upload that owns f.
func newUpload(s *Store, t Target, f afero.File, start int64, p destination, hold *quota.Hold) *Upload {
	if osFile, ok := vfs.OSFile(f); ok {
		f = osFile
	}
	return &Upload{store: s, target: t, file: f, writer: f, start: start, destination: p, hold: hold, hasRoom: hold == nil || t.Size > 0}
}

// Start returns the offset in the target of the first byte to be received, for Writer.
func (u *Upload) Start() int64 { return u.start }

// Writer returns the file to write the bytes to, at their offsets in the target. Commit and Abort close it. It is an
// *os.File if possible; every other kind is for one goroutine at a time.
//
// If the Writer of the target has a Space and the target no Size, each write is checked first. Its error may be a
// *quota.Error, and then nothing was written. So that a file of the operating system can be given to the kernel, a caller
// that calls Allow itself may use File instead.
func (u *Upload) Writer() io.WriterAt {
	if u.hasRoom {
		return u.writer
	}
	return boundedFile{u.writer, u.hold}
}

// File is Writer without checks, for a caller that calls Allow before each write.
func (u *Upload) File() io.WriterAt { return u.writer }

// IsBounded reports whether Allow has to be called.
func (u *Upload) IsBounded() bool { return !u.hasRoom }

// Allow makes room for up to n bytes at the offset at, and returns for how many there is: at least one. The error is a
// *quota.Error.
func (u *Upload) Allow(at int64, n int) (int, error) {
	if u.hasRoom {
		return n, nil
	}
	return u.hold.Allow(at, n)
}

// Expect makes room for size bytes of the target, which the client may still exceed. The error is a *quota.Error; the caller
// aborts the upload then.
func (u *Upload) Expect(size int64) error {
	if u.hasRoom {
		return nil
	}
	return u.hold.Grow(size)
}

// boundedFile checks that there is room for what is written to it.
type boundedFile struct {
	file io.WriterAt
	hold *quota.Hold
}

func (f boundedFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.hold.Grow(off + int64(len(p))); err != nil {
		return 0, err
	}
	return f.file.WriteAt(p, off)
}

// Commit ends an upload after all bytes have arrived; size is the offset after the last one. It syncs the file, calls
// check unless that is nil, makes the file visible as the target, with the mode of the file that it replaces, and syncs
// the name. Syncs depend on the policy of the Writer. It blocks until the disk has finished.
//
// If any step fails, or check returns an error, the upload ends as by Abort with that error as the cause, and kept is the
// result of Abort. Only after a [*durable.Error] the file is visible and stays so.
func (u *Upload) Commit(size int64, check func() error) (kept int64, err error) {
	if check == nil {
		check = func() error { return nil }
	}
	u.end = size
	defer u.hold.End()
	if err := u.hold.Grow(size); err != nil { // a caller has written without asking
		return u.destination.abort(u, err), err
	}
	if err := u.destination.commit(u, check); err != nil {
		return u.destination.abort(u, err), err
	}
	t := &u.target
	return 0, u.store.Disk.SyncAdded(t.Disk, t.Tree, t.Name)
}

// errUnsynced is the error of a failed sync of the received bytes. The content on the disk is unknown then: the kernel marks
// pages that it could not write as clean, and a second sync would succeed without writing them.
type errUnsynced struct{ error }

func (e errUnsynced) Unwrap() error { return e.error }

// sync flushes the received bytes to the disk.
func (u *Upload) sync() error {
	t := &u.target
	if isPersistent(t.Tree, t.Name) {
		return nil // what follows does that
	}
	err := u.store.Disk.SyncFile(t.Disk, func() error { return syncFile(t.Tree, u.file) })
	if err != nil {
		return errUnsynced{err}
	}
	return nil
}

// Abort ends an incomplete upload; size is the offset after the last byte that has arrived, and cause is the reason. The
// target is unchanged, but bytes appended to it stay if they can be synced.
//
// It returns how many bytes are kept, so that the owner can resume with Append or WriteFrom. That is 0 if the bytes are
// too few or could not be synced, if the disk is full, if the target may not be replaced, and if Target.Keep is false.
//
// If the file has a method TransferError(error), it is called with cause before the file is closed, also after a failed
// Commit.
func (u *Upload) Abort(size int64, cause error) (kept int64) {
	u.end = size
	defer u.hold.End()
	defer u.hold.Fail(cause) // last: OnRefusal may panic
	return u.destination.abort(u, cause)
}

// Uncertain returns, after Abort, an error that wraps ErrUncertain if the end of the target is not known, and else nil.
func (u *Upload) Uncertain() error { return u.uncertain }

// HasModTime reports, after Commit, whether the file has got the time of Target.ModTime.
func (u *Upload) HasModTime() bool { return u.hasModTime }

// reportFailure calls the method TransferError of the file, which must be open, if it has one.
func (u *Upload) reportFailure(cause error) {
	if f, ok := u.file.(interface{ TransferError(err error) }); ok {
		f.TransferError(cause)
	}
}
