package upload

import (
	"io"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// minKept is how many bytes of an upload that broke off are worth keeping.
const minKept = 64 << 10

// Upload is a file that is being received. It is for one goroutine at a time, and ends with the first Commit or Abort.
type Upload struct {
	store  *Store
	target Target
	file   afero.File
	to     io.WriterAt // what the bytes are written to; mostly the file
	start  int64
	end    int64 // of what has arrived; known when the upload ends
	doubt  error // see Doubt
	place  place
}

// place is where the bytes of an upload go.
type place interface {
	// commit makes the upload visible. After an error abort follows.
	commit(u *Upload, check func() error) error

	// abort closes the file, and returns how much of it is kept under a hidden name.
	abort(u *Upload, cause error) (kept int64)
}

// newUpload takes f over.
func newUpload(s *Store, t Target, f afero.File, start int64, p place) *Upload {
	if osFile, ok := vfs.OSFile(f); ok {
		f = osFile
	}
	return &Upload{store: s, target: t, file: f, to: f, start: start, place: p}
}

// Start returns the offset of the first byte that is to come: in the file that Writer writes to, and in the target.
func (u *Upload) Start() int64 { return u.start }

// Writer returns what the bytes are to be written to, at their offsets in the target, until Commit or Abort, which close
// it. It is an *os.File where the bytes are those of one; every other is for one goroutine at a time.
func (u *Upload) Writer() io.WriterAt { return u.to }

// Commit ends an upload of which all has arrived; size is the offset behind its last byte. It brings the file to the
// disk, calls check if that is not nil, makes the file visible as the target, with the mode of what it replaces, and
// brings the name to the disk, all as far as the Writer asks for it. That blocks for as long as the disk needs.
//
// If any of this fails, or check returns an error, the upload has ended as by Abort, with that error as the cause, and
// kept is what Abort returns. But after a [*durable.Error] the file is visible, and nothing takes that back.
func (u *Upload) Commit(size int64, check func() error) (kept int64, err error) {
	if check == nil {
		check = func() error { return nil }
	}
	u.end = size
	if err := u.place.commit(u, check); err != nil {
		return u.place.abort(u, err), err
	}
	t := &u.target
	return 0, u.store.Disk.SyncAdded(t.Disk, t.Tree, t.Name)
}

// errUnsynced is a failure to bring what was received to the disk. Nobody knows what is there then: the kernel counts
// what it could not write as written, and a second try would succeed without it.
type errUnsynced struct{ error }

func (e errUnsynced) Unwrap() error { return e.error }

// sync brings what was received to the disk.
func (u *Upload) sync() error {
	t := &u.target
	err := u.store.Disk.SyncFile(t.Disk, func() error { return syncFile(t.Tree, u.file) })
	if err != nil {
		return errUnsynced{err}
	}
	return nil
}

// Abort ends an upload of which not all has arrived, because of cause; size is the offset behind the last byte that
// has. The target stays as it was; what was added at its end stays there, if it can be brought to the disk.
//
// It returns how many bytes are kept, so that the owner can go on there by Append or WriteFrom. That is 0 if it is
// too little to be worth it, if it could not be brought to the disk, if there is no room for what was written, if the
// target may not be replaced, and if the Target says so.
//
// A file that has a method TransferError(error) is told of cause, before it is closed; after a Commit that has failed too.
func (u *Upload) Abort(size int64, cause error) (kept int64) {
	u.end = size
	return u.place.abort(u, cause)
}

// Uncertain returns, after Abort, an error that wraps ErrDoubt if that holds for the target, and else nil.
func (u *Upload) Uncertain() error { return u.doubt }

// tell tells the file, which is open, that it was not received whole.
func (u *Upload) tell(cause error) {
	if f, ok := u.file.(interface{ TransferError(err error) }); ok {
		f.TransferError(cause)
	}
}
