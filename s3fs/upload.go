package s3fs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"

	"sluice/internal/partial"
)

const (
	maxSending = 4        // parts of an upload that are on their way at a time
	unshared   = 64 << 10 // bytes of a small file that the memory for uploads does not count
)

// upload is a file that is being received. Its bytes are in parts that the store has, and in a buffer with those behind
// them. It is for one goroutine at a time, except for info.
type upload struct {
	fs     *FS
	key    string // of the object that it becomes
	token  string // names the upload in the metadata of that object
	layout layout
	ctx    context.Context // until it ends
	cancel context.CancelFunc

	id     string // of the multipart upload; "": there is none yet
	stray  []int  // numbers of parts behind a gap, which the store has
	sent   int64  // bytes in parts
	buffer []byte
	room   room // that buffer has of the memory for uploads

	size     atomic.Int64 // bytes that were written
	modified atomic.Int64 // when, in nanoseconds

	name    string // hidden, of the marker that begin writes; "": none
	marked  string // key of the marker, "": there is none
	savedAt int64  // value of sent when the marker was written
	savedTo int64  // and of size
	dirty   bool   // the marker says something else
	lease   lease

	sending sync.WaitGroup
	places  chan struct{} // of parts on their way

	mu     sync.Mutex // guards the fields below
	parts  []sentPart
	failed error // of a part
}

// sentPart is a part that was sent, or is on its way.
type sentPart struct {
	etag string // "": it is on its way, or has failed
	size int64
}

func (s *FS) newUpload(key string) *upload {
	u := &upload{fs: s, key: key, token: rand.Text(), layout: s.writing.layout, places: make(chan struct{}, maxSending)}
	u.ctx, u.cancel = context.WithCancel(s.ctx)
	u.modified.Store(time.Now().UnixNano())
	return u
}

// info describes the bytes that were written, under a name of their own.
func (u *upload) info(name string) *info {
	return &info{name: path.Base(name), size: u.size.Load(), time: time.Unix(0, u.modified.Load()), object: &Object{}}
}

// write takes p. It waits while parts are on their way and there is no memory for another.
func (u *upload) write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if err := u.makeRoom(); err != nil {
			return n, err
		}
		k := min(len(p), cap(u.buffer)-len(u.buffer))
		u.buffer = append(u.buffer, p[:k]...)
		p = p[k:]
		n += k
		u.dirty = true
		u.size.Store(u.sent + int64(len(u.buffer)))
		u.modified.Store(time.Now().UnixNano())
	}
	return n, nil
}

// makeRoom makes the buffer longer than what is in it. A part is sent when more bytes follow it, so that the last one is
// known to be that.
func (u *upload) makeRoom() (err error) {
	if err := u.failure(); err != nil {
		return err
	}
	if len(u.buffer) < cap(u.buffer) {
		return nil
	}
	whole := u.layout.size(len(u.parts) + 1)
	if int64(len(u.buffer)) == whole {
		if err := u.sendPart(); err != nil {
			return err
		}
		whole = u.layout.size(len(u.parts) + 1)
	}
	next := whole
	if u.sent == 0 { // it may be a small file
		next = min(max(4*int64(len(u.buffer)), 4<<10), whole)
	}
	if next > unshared {
		if next, err = u.reserve(next, whole); err != nil {
			return err
		}
	}
	u.extend(next)
	return nil
}

// extend gives the buffer that capacity.
func (u *upload) extend(n int64) {
	longer := u.fs.writing.buffer(n)
	u.buffer = append(longer, u.buffer...)
}

// reserve takes memory for n bytes of a part. If it has to wait for that, it takes memory for the whole part. It returns how
// many bytes there is memory for.
func (u *upload) reserve(n, whole int64) (int64, error) {
	m := u.fs.writing.memory
	if more := n - u.room.bytes; m.try(more) {
		u.room.bytes += more
		return n, nil
	}
	u.sending.Wait() // its own parts may be all that the others wait for
	ctx, cancel := context.WithTimeout(u.ctx, u.fs.timeout)
	defer cancel()
	got, err := m.take(ctx, whole-u.room.bytes)
	if err != nil {
		return 0, errNoMemory
	}
	u.room.bytes += got.bytes
	u.room.hasSpare = got.hasSpare
	return whole, nil
}

// errNoMemory means that other uploads have all memory for parts, and the store does not take their bytes fast enough.
var errNoMemory error = busy("too many uploads wait for the object store")

// busy is an [ErrStore] that passes.
type busy string

func (b busy) Error() string      { return string(b) }
func (busy) Is(target error) bool { return target == ErrStore || target == os.ErrDeadlineExceeded }

// StoreFailed reports that it passes. Servers find the method by an interface.
func (busy) StoreFailed() (isBusy bool) { return true }

// failure returns why a part could not be sent.
func (u *upload) failure() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}

// begin makes the multipart upload, unless there is one.
func (u *upload) begin() error {
	if u.id != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(u.ctx, u.fs.timeout)
	defer cancel()
	id, err := u.fs.client.NewMultipartUpload(ctx, u.fs.bucket, u.key, u.fs.putOptions(u.token, false))
	if err != nil {
		return translateWrite(err)
	}
	u.id = id
	isNew := u.marked == ""
	if isNew {
		u.marked = u.name
	}
	if u.marked == "" {
		return nil
	}
	u.savedTo = min(u.savedTo, int64(len(u.buffer)))
	if err := u.writeMarker(u.marked, 0, u.buffer[:u.savedTo]); err != nil { // so that the parts count if this process ends
		return err
	}
	if isNew { // an upload that is continued has no lease, so two servers may continue it: then one of them ends it
		line := u.line(0)
		u.lease.begin(u.ctx, func() { _ = u.fs.put(u.ctx, u.name, line, "", false) })
	}
	return nil
}

// sendPart sends the buffer while the next part is received.
func (u *upload) sendPart() error {
	if len(u.parts) == maxParts-1 { // the last one is for the rest
		return fmt.Errorf("%w: a file has at most %d parts", syscall.EFBIG, maxParts)
	}
	if err := u.begin(); err != nil {
		return err
	}
	u.places <- struct{}{}
	if err := u.failure(); err != nil {
		<-u.places
		return err
	}
	data, had := u.buffer, u.room
	u.mu.Lock()
	u.parts = append(u.parts, sentPart{size: int64(len(data))})
	number := len(u.parts)
	u.mu.Unlock()
	u.sent += int64(len(data))
	u.buffer, u.room = nil, room{}
	u.sending.Go(func() {
		etag, err := u.fs.putPart(u.ctx, u.key, u.id, number, data)
		u.fs.writing.recycle(data)
		u.fs.writing.memory.give(had)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.parts[number-1].etag = etag
		if err != nil && u.failed == nil {
			u.failed = fmt.Errorf("part %d: %w", number, err)
		}
		<-u.places
	})
	return nil
}

// settle waits until no part is on its way. It drops the bytes behind a part that has failed.
func (u *upload) settle() error {
	u.sending.Wait()
	at := int64(0)
	for i, p := range u.parts {
		if p.etag == "" {
			return u.cut(i, at)
		}
		at += p.size
	}
	return nil
}

// cut leaves n parts, which have that many bytes, and an empty buffer. The store still has the others, and would count them
// as bytes of the upload when the parts before are sent again. So each of them is replaced.
func (u *upload) cut(n int, bytes int64) error {
	var dropped []int
	for i, p := range u.parts[n:] {
		if p.etag != "" {
			dropped = append(dropped, n+i+1)
		}
	}
	u.mu.Lock()
	u.parts = u.parts[:n]
	u.mu.Unlock()
	u.sent = bytes
	u.dropBuffer()
	u.size.Store(bytes)
	u.dirty = true
	return u.spoil(dropped)
}

// spoil replaces parts by one that is too short to count.
func (u *upload) spoil(numbers []int) error {
	return inParallel(len(numbers), func(i int) error {
		_, err := u.fs.putPart(u.ctx, u.key, u.id, numbers[i], []byte{0})
		return err
	})
}

func (u *upload) dropBuffer() {
	u.fs.writing.recycle(u.buffer)
	u.buffer = nil
	u.fs.writing.memory.give(u.room)
	u.room = room{}
}

// truncate forgets the bytes behind the first size ones. It can go back to the buffer, to the beginning of a part, and to
// where the upload was last saved. If parts were lost, so may be bytes before.
func (u *upload) truncate(size int64) error {
	if err := u.settle(); err != nil {
		return err
	}
	switch {
	case size >= u.size.Load():
		if u.failure() != nil || size == u.size.Load() {
			return nil
		}
		return refusal("the object store cannot extend a file by a hole")
	case size >= u.sent:
		u.buffer = u.buffer[:size-u.sent]
		u.size.Store(size)
		u.dirty = true
		return nil
	}
	at := int64(0)
	for i, p := range u.parts {
		if at == size {
			return u.cut(i, at)
		}
		if at == u.savedAt && u.marked != "" && at < size && size <= u.savedTo {
			if err := u.cut(i, at); err != nil {
				return err
			}
			return u.readSaved(size)
		}
		at += p.size
	}
	return refusal("the object store gives back no bytes of an unfinished upload: send the file from the beginning, or from its end")
}

// readSaved reads the bytes of the marker into the buffer, up to the first size ones of the file.
func (u *upload) readSaved(size int64) error {
	m, data, err := u.fs.readMarker(u.ctx, u.marked, wholeMarker)
	if err != nil {
		return err
	}
	if m.At != u.sent || m.At+int64(len(data)) < size {
		return ErrChanged // another server has continued the upload
	}
	return u.fill(data[:size-m.At])
}

// fill puts data into the empty buffer.
func (u *upload) fill(data []byte) error {
	whole := u.layout.size(len(u.parts) + 1)
	if _, err := u.reserve(whole, whole); err != nil {
		return err
	}
	u.extend(whole)
	u.buffer = append(u.buffer, data...)
	u.size.Store(u.sent + int64(len(data)))
	return nil
}

// commit makes the upload the object of that key. If exclusive is set and there is one, the error is fs.ErrExist. After an
// error it can be called again.
func (u *upload) commit(key string, exclusive bool) error {
	u.sending.Wait()
	if err := u.failure(); err != nil {
		return err
	}
	switch {
	case u.id == "":
		return u.fs.put(u.ctx, key, u.buffer, u.token, exclusive)
	case key == u.key:
		return u.complete(exclusive)
	case !partial.Is(path.Base(u.key)):
		return fmt.Errorf("%w: the upload was begun for another name", fs.ErrInvalid)
	}
	if exclusive {
		if err := u.fs.isFree(u.ctx, key); err != nil { // before the bytes can no longer be resumed
			return err
		}
	}
	if err := u.complete(false); err != nil {
		return err
	}
	object, err := u.fs.head(u.ctx, u.key)
	if err == nil {
		err = u.fs.copyObject(u.ctx, object, key, exclusive)
	}
	if err != nil {
		return err
	}
	_ = u.fs.deleteObject(u.ctx, u.key) // it is hidden
	return nil
}

// complete joins the parts.
func (u *upload) complete(exclusive bool) error {
	parts := make([]minio.CompletePart, 0, len(u.parts)+1)
	for i, p := range u.parts {
		parts = append(parts, minio.CompletePart{PartNumber: i + 1, ETag: p.etag})
	}
	if len(u.buffer) > 0 {
		number := len(parts) + 1
		etag, err := u.fs.putPart(u.ctx, u.key, u.id, number, u.buffer)
		if err != nil {
			return err
		}
		parts = append(parts, minio.CompletePart{PartNumber: number, ETag: etag})
	}
	return u.fs.complete(u.ctx, u.key, u.id, u.token, u.size.Load(), parts, exclusive)
}

// complete ends a multipart upload.
func (s *FS) complete(ctx context.Context, key, id, token string, size int64, parts []minio.CompletePart, exclusive bool) error {
	err := s.make(ctx, key, token, size, exclusive, func() error {
		opt := s.putOptions("", exclusive)
		_, err := s.client.CompleteMultipartUpload(ctx, s.bucket, key, id, parts, opt)
		return err
	})
	if err != nil {
		return err
	}
	object, err := s.head(ctx, key)
	if err == nil && tokenOf(object) == token && object.Size != size {
		return fmt.Errorf("%w: it has made a file of %d bytes from %d", ErrStore, object.Size, size)
	}
	return nil // if it was replaced since, or cannot be read, it was stored nevertheless
}

// abort removes the parts from the store.
func (u *upload) abort() error {
	u.cancel()
	u.sending.Wait() // a part that arrives after the abort would stay
	id := u.id
	u.release()
	if id == "" {
		return nil
	}
	err := u.fs.abortMultipart(u.key, id)
	if partial.Is(path.Base(u.key)) { // commit may have joined the parts, and then failed
		err = errors.Join(err, u.fs.deleteObject(u.fs.ctx, u.key))
	}
	return err
}

func (s *FS) abortMultipart(key, id string) error {
	ctx, done := s.request()
	defer done()
	err := translate(s.client.AbortMultipartUpload(ctx, s.bucket, key, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// release ends the use of the upload by this FS.
func (u *upload) release() {
	u.cancel()
	u.lease.end()
	u.sending.Wait()
	u.dropBuffer()
}
