package upload

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"strings"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/durable"
	"sluice/internal/partial"
	"sluice/internal/quota"
	"sluice/internal/vfs"
)

// Resumable is an upload that several requests send one after another. Between them it consists of two hidden files in the
// directory of its target, and nothing in memory: one has the bytes, so its size is the offset at which the client goes on,
// and the other has the state. They are made, opened and removed as any other file, also in a file system that is [Atomic],
// because that need not show an incomplete upload by its name, unless several servers share it. Both have names that are made from the ID of the upload, which only the client knows.
//
// A value is one request, and has the upload for itself. It is for one goroutine. It ends with the first call of Close,
// Pause, Finish or Discard.
type Resumable struct {
	ResumableState
	ID     string
	Offset int64 // how many bytes have arrived and count
	Done   bool  // the target has the bytes by now; only Close and Discard may be called

	// Modified is when the last request ended; zero: not known.
	Modified time.Time

	store   *Store
	writer  Writer
	dir     string
	record  resumableRecord
	part    partFile   // of the bytes, unless Done
	file    afero.File // the bytes; nil if Done
	size    int64      // of file when it was opened
	hold    *quota.Hold
	release func() // ends the lease
}

// ResumableState is what the client has announced about an upload.
type ResumableState struct {
	Owner  string            `json:"owner"` // who may continue it; "": everybody who knows the ID
	Name   string            `json:"name"`  // last element of the path of the target
	Length int64             `json:"length"`
	Notes  map[string]string `json:"notes,omitempty"` // of the caller
}

// UnknownLength is the Length of an upload of which the client has not said it yet.
const UnknownLength = -1

// resumableRecord is the content of the file with the state.
type resumableRecord struct {
	ResumableState

	// Boot is the boot of the system in which the bytes were written. After another boot only Synced bytes count: what
	// lies behind them may be holes.
	Boot   string `json:"boot"`
	Synced int64  `json:"synced"`

	// Checked, if not negative, is how many bytes count, because the checksum of the next ones was not compared yet.
	Checked int64 `json:"checked"`

	// Finishing says that the file with the bytes is about to become the target. If it is missing, that was done.
	Finishing bool `json:"finishing,omitempty"`
}

// maxRecord bounds the size of the file with the state.
const maxRecord = 256 << 10

// The hidden files of a resumable upload are called .TAG.KIND.sluice-part.
const (
	bytesKind = ".bytes" + partial.Suffix
	stateKind = ".state" + partial.Suffix
	newKind   = ".new" + partial.Suffix // becomes the state when it is complete
)

// resumableName returns the name of a hidden file of the upload with that ID. The ID is not found out from the name.
func resumableName(dir, id, kind string) string {
	sum := sha256.Sum256([]byte("resumable upload " + id))
	return path.Join(dir, partial.Prefix+hex.EncodeToString(sum[:16])+kind)
}

func (r *Resumable) name(kind string) string { return resumableName(r.dir, r.ID, kind) }

// CreateResumable begins a resumable upload to t. stop is as for OpenResumable.
func (s *Store) CreateResumable(t Target, state ResumableState, stop func()) (*Resumable, error) {
	if err := s.checkTarget(t.Writer, t.Name); err != nil {
		return nil, err
	}
	if _, err := t.oldTarget(); err != nil {
		return nil, err
	}
	r := &Resumable{ResumableState: state, ID: rand.Text(), store: s, writer: t.Writer, dir: path.Dir(t.Name)} // 130 bits
	r.record = resumableRecord{ResumableState: state, Boot: bootOf(t.Tree, t.Name), Checked: -1}
	release, err := s.leases.take(context.Background(), r.ID, stop)
	if err != nil {
		return nil, err
	}
	if r.hold, err = t.Space.Begin(r.name(bytesKind), nil, max(state.Length, 0)); err != nil {
		release()
		return nil, err
	}
	r.part, r.file, err = s.newPartAt(t.Writer, r.name(bytesKind), t.createResumable)
	if err != nil {
		r.hold.End()
		release()
		return nil, err
	}
	r.release = release
	r.hold.Attach(r.name(bytesKind), r.file)
	r.useOSFile()
	err = r.save()
	if err == nil {
		err = s.Disk.SyncAdded(t.Disk, t.Tree, r.name(bytesKind), r.name(stateKind))
	}
	if err != nil {
		if lost := (*durable.Error)(nil); errors.As(err, &lost) {
			err = lost.Err // nothing is visible
		}
		_ = r.Discard()
		return nil, err
	}
	return r, nil
}

// createResumable makes the file with the bytes.
func (t Target) createResumable(name string) (afero.File, error) {
	if !isPersistent(t.Tree, t.Name) {
		return t.Tree.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, t.Perm)
	}
	f, err := create(t.Tree, name, t.becomes(), t.Perm)
	if err != nil {
		return nil, err
	}
	if err := syncFile(t.Tree, f); err != nil { // so that it is found by its name
		_ = f.Close()
		_ = remove(t.Tree, name)
		return nil, err
	}
	return f, nil
}

// OpenResumable continues the upload with that ID, whose target is in the directory dir. The error is fs.ErrNotExist if
// there is none of the owner of w.
//
// If another request has the upload, OpenResumable calls the function stop of that request, which may be called several
// times and from any goroutine, and waits until it has ended or ctx ends: a client comes back when its connection is lost,
// which this side may learn much later. The error is ErrBusy if the other request does not end, or is one of another
// process.
func (s *Store) OpenResumable(ctx context.Context, w Writer, dir, id string, stop func()) (*Resumable, error) {
	r := &Resumable{ID: id, store: s, writer: w, dir: path.Clean("/" + dir)}
	if err := r.load(); err != nil { // before a request is stopped, because only the owner may do that
		return nil, err
	}
	release, err := s.leases.take(ctx, id, stop)
	if err != nil {
		return nil, err
	}
	r.release = release
	if err := r.open(); err != nil {
		release()
		return nil, err
	}
	return r, nil
}

// load reads the state.
func (r *Resumable) load() error {
	f, err := r.writer.Tree.Open(r.name(stateKind))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return err
	}
	record, err := parseRecord(text)
	if err != nil || record.Owner != r.writer.Owner {
		return fs.ErrNotExist
	}
	r.record, r.ResumableState, r.Modified = record, record.ResumableState, info.ModTime()
	return nil
}

// parseRecord parses the state.
func parseRecord(text []byte) (record resumableRecord, err error) {
	record.Checked = -1
	if err := json.Unmarshal(text, &record); err != nil {
		return record, err
	}
	if record.Name == "" || record.Name == "." || record.Name == ".." || strings.Contains(record.Name, "/") || record.Synced < 0 {
		return record, fs.ErrInvalid
	}
	return record, nil
}

// open opens the file with the bytes, and finds out how many of them count.
func (r *Resumable) open() error {
	if err := r.load(); err != nil { // again, because another request may have ended meanwhile
		return err
	}
	tree := r.writer.Tree
	p, f, err := r.store.newPartAt(r.writer, r.name(bytesKind), func(name string) (afero.File, error) {
		return tree.OpenFile(name, os.O_WRONLY, 0)
	})
	if errors.Is(err, fs.ErrNotExist) {
		if r.record.Finishing {
			r.Done, r.Offset = true, r.record.Synced
			return nil
		}
		r.store.removeHidden(r.writer, r.name(stateKind)) // the bytes were lost
	}
	if err != nil {
		return err
	}
	r.part, r.file = p, f
	r.useOSFile()
	info, err := f.Stat()
	if err == nil {
		r.hold, err = r.writer.Space.Adopt(r.name(bytesKind), info.Size(), r.name(bytesKind), nil)
	}
	if err != nil {
		r.closePart()
		return err
	}
	r.hold.Watch(r.file)
	r.size = info.Size()
	r.Offset = r.size
	if r.record.Boot != bootOf(tree, r.name(stateKind)) {
		r.Offset = min(r.Offset, r.record.Synced)
	}
	if r.record.Checked >= 0 {
		r.Offset = min(r.Offset, r.record.Checked)
	}
	if r.Length >= 0 {
		r.Offset = min(r.Offset, r.Length)
	}
	return nil
}

// useOSFile makes the file the *os.File that it is made of, if there is one, because that is written to by splice(2).
func (r *Resumable) useOSFile() {
	if osFile, ok := vfs.OSFile(r.file); ok {
		r.file = osFile
	}
}

// text returns the state as it is on the disk. Blanks at its end give it the same size for the whole life of the upload, so
// that an upload that there was room for can be continued and finished where a quota is used up.
func (r *resumableRecord) text() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	widest := *r
	widest.Length, widest.Synced, widest.Checked, widest.Finishing = math.MaxInt64, math.MaxInt64, math.MaxInt64, true
	most, err := json.Marshal(widest)
	if err != nil {
		return nil, err
	}
	return append(append(text, bytes.Repeat([]byte(" "), max(len(most)-len(text), 0))...), '\n'), nil
}

// save replaces the state on the disk. A crash leaves the old or the new one.
func (r *Resumable) save() error {
	r.record.ResumableState = r.ResumableState
	text, err := r.record.text()
	if err != nil {
		return err
	}
	tree, name := r.writer.Tree, r.name(newKind)
	if isPersistent(tree, name) {
		return r.overwrite(text)
	}
	r.store.removeHidden(r.writer, name) // left by a crash
	old, err := tree.Lstat(r.name(stateKind))
	if err != nil {
		old = nil
	}
	hold, err := r.writer.Space.Begin(r.name(stateKind), old, int64(len(text)))
	if err != nil {
		return err
	}
	defer hold.End()
	f, err := tree.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	hold.Attach(name, f)
	_, err = f.Write(text)
	if err == nil {
		err = r.store.Disk.SyncFile(r.writer.Disk, func() error { return syncFile(tree, f) })
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = hold.Replace(r.name(stateKind), func() error { return tree.Rename(name, r.name(stateKind)) })
	}
	if err != nil {
		_ = tree.Remove(name)
	}
	return err
}

// overwrite is save for a file system in which closing a file replaces the old one.
func (r *Resumable) overwrite(text []byte) error {
	tree, name := r.writer.Tree, r.name(stateKind)
	old, err := tree.Lstat(name)
	if err != nil {
		old = nil
	}
	hold, err := r.writer.Space.Begin(name, old, int64(len(text)))
	if err != nil {
		return err
	}
	defer hold.End()
	f, err := tree.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	hold.Attach(name, f)
	_, err = f.Write(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Begin prepares to receive bytes at Offset. isChecked means that they count only after Pause or Finish, because they have
// a checksum. If the length is known, there is room for all bytes afterwards; the error may be a *quota.Error. It is a
// *LockedError if the bytes could not become the target. The caller writes to Writer, and then calls Pause, Finish or
// Discard.
func (r *Resumable) Begin(isChecked bool) error {
	if err := r.store.checkTarget(r.writer, path.Join(r.dir, r.Name)); err != nil {
		return err
	}
	if r.size > r.Offset {
		if err := r.file.Truncate(r.Offset); err != nil {
			return err
		}
		r.hold.Shrink(r.Offset)
		r.size = r.Offset
	}
	if r.Length >= 0 {
		if err := r.hold.Grow(r.Length); err != nil {
			return err
		}
	}
	before := r.record
	r.record.Checked = -1
	if isChecked {
		r.record.Checked = r.Offset
	}
	if boot := bootOf(r.writer.Tree, r.name(stateKind)); r.record.Boot != boot {
		r.record.Boot, r.record.Synced = boot, r.Offset
	}
	if r.record.Boot == before.Boot && r.record.Checked == before.Checked {
		return nil
	}
	return r.save()
}

// Writer returns the file to write the bytes to, at their offsets in the target. If the Writer of the target has a Space and
// the length is not known, each write is checked first, and its error may be a *quota.Error.
func (r *Resumable) Writer() io.WriterAt {
	if r.hold == nil || r.Length >= 0 {
		return r.file
	}
	return fittingFile{r.file, r.hold}
}

// fittingFile writes as many bytes as there is room for.
type fittingFile struct {
	file io.WriterAt
	hold *quota.Hold
}

func (f fittingFile) WriteAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		room, err := f.hold.Allow(off+int64(n), len(p)-n)
		if err != nil {
			f.hold.Fail(err)
			return n, err
		}
		written, err := f.file.WriteAt(p[n:n+room], off+int64(n))
		if n += written; err != nil {
			return n, err
		}
	}
	return n, nil
}

// Pause ends a request after which the upload has size bytes. It syncs them and the state. After a failed sync the upload
// is discarded.
func (r *Resumable) Pause(size int64) error {
	defer r.Close()
	return r.settle(size)
}

// settle makes size the offset that holds from now on, also after a reboot.
func (r *Resumable) settle(size int64) error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > size {
		if err := r.file.Truncate(size); err != nil {
			return err
		}
	}
	tree := r.writer.Tree
	if err := r.store.Disk.SyncFile(r.writer.Disk, func() error { return syncFile(tree, r.file) }); err != nil {
		_ = r.Discard()
		return errUnsynced{err}
	}
	r.Offset, r.size = size, size
	r.record.Boot, r.record.Checked, r.record.Synced = bootOf(tree, r.name(stateKind)), -1, size
	if r.writer.Disk.Level == durable.None {
		r.record.Synced = 0
		if r.record.Finishing {
			r.record.Synced = size // it is not looked at before the target has the bytes
		}
	}
	return r.save()
}

// Finish ends an upload of size bytes, which have all arrived: the file becomes t. If that fails, the upload is kept and
// Finish can be called again by a later request, unless the error is ErrUntrusted or of a sync. Afterwards Name is the one
// that the file has got.
func (r *Resumable) Finish(t Target, size int64) (hasModTime bool, err error) {
	defer r.Close()
	old, err := t.oldTarget()
	if err != nil {
		return false, errors.Join(err, r.settle(size))
	}
	r.Length, r.record.Finishing = size, true
	if err := r.settle(size); err != nil {
		return false, err
	}
	u := newUpload(r.store, t, r.file, 0, &resumedFile{hiddenFile{partFile: r.part, old: old}, r}, r.hold)
	r.file, r.hold = nil, nil // u closes and ends them
	_, err = u.Commit(size, nil)
	if err == nil || errors.As(err, new(*durable.Error)) {
		r.Done, r.Name = true, path.Base(u.Name())
		r.store.DiscardKept(t.Writer, t.Name)
	}
	return u.HasModTime(), err
}

// Open opens the bytes for reading. The caller closes the result.
func (r *Resumable) Open() (afero.File, error) { return r.writer.Tree.Open(r.name(bytesKind)) }

// Discard removes the upload. The target stays, if it is done.
func (r *Resumable) Discard() error {
	defer r.Close()
	tree := r.writer.Tree
	err := trackEntry(r.writer, tree.Remove)(r.name(stateKind))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // then the bytes stay too, because a state without bytes may mean that the upload is done
		if r.file != nil {
			_ = r.file.Truncate(0)
		}
		return err
	}
	if r.Done {
		return nil
	}
	if r.file != nil {
		_ = r.file.Close() // Windows does not remove an open file
	}
	return tree.Remove(r.name(bytesKind))
}

// Close ends a request that has received nothing. It may be called again.
func (r *Resumable) Close() {
	r.closePart()
	r.hold.End()
	r.hold = nil
	if r.release != nil {
		r.release()
		r.release = nil
	}
}

func (r *Resumable) closePart() {
	if r.file != nil {
		_ = r.file.Close() // what was written was synced by Pause
		r.file = nil
		r.part.release()
	}
}

// resumedFile is the destination of a resumable upload that is complete. If it cannot become the target, it stays.
type resumedFile struct {
	hiddenFile
	resumable *Resumable
}

func (f *resumedFile) abort(u *Upload, cause error) (kept int64) {
	defer f.release()
	if !f.closed {
		u.reportFailure(cause)
	}
	_ = u.file.Close() // possibly for a second time
	if errors.As(cause, new(errUnsynced)) || errors.Is(cause, ErrUntrusted) {
		_ = f.resumable.Discard()
		return 0
	}
	return u.end
}

// isState reports whether base is the name of the state of a resumable upload, and isResumableBytes that of its bytes.
func isState(base string) bool { return partial.Is(base) && strings.HasSuffix(base, stateKind) }
func isResumableBytes(base string) bool {
	return partial.Is(base) && strings.HasSuffix(base, bytesKind)
}

// otherKind returns the name of another hidden file of the same upload.
func otherKind(name, from, to string) string { return strings.TrimSuffix(name, from) + to }
