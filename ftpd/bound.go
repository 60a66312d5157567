package ftpd

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/quota"
	"sluice/internal/upload"
	"sluice/sendfile"
)

// boundBy makes opt ask u for room before each step of an upload that begins at the offset
// at. So the bytes can go past this process, and still none is written for which there is
// no room.
func boundBy(u *upload.Upload, opt *sendfile.Options, at int64) {
	end, progress, wait := at, opt.Progress, opt.Wait
	opt.Progress = func(r sendfile.Result) {
		end = at + r.Sent
		if progress != nil {
			progress(r)
		}
	}
	opt.Wait = func(ctx context.Context, n int) (int, error) {
		n, err := u.Allow(end, n)
		if err != nil || wait == nil {
			return n, err
		}
		return wait(ctx, n)
	}
}

// readEnd reads what comes after the last byte for which there is room. It returns nil at
// the end of a file that fits exactly, the error with which the connection has ended, or
// refused, as an error of the file, if more comes.
func (t *transfer) readEnd(conn *stream, refused error) error {
	if stall := t.server.stallTimeout(); stall > 0 {
		_ = conn.SetReadDeadline(time.Now().Add(stall))
	}
	var more [1]byte
	n, err := conn.Read(more[:])
	e := &sendfile.Error{Op: "receive", Side: sendfile.Peer, Method: sendfile.Copy, Err: err}
	var known *sendfile.Error
	if errors.As(refused, &known) {
		e.Method, e.Offset = known.Method, known.Offset
	}
	switch {
	case n > 0:
		e.Side, e.Err = sendfile.File, errors.Unwrap(known)
	case err == io.EOF: //nolint:errorlint // as conn returns it
		return nil
	}
	return e
}

// siteQuota answers SITE QUOTA with what the user has and may have.
func (s *session) siteQuota(string) reply {
	if err := s.user.maySee(); err != nil {
		return fileErrorReply(err)
	}
	s.user.space.Await()
	u := s.user.space.Usage()
	switch {
	case u.HasNoLimits:
		return newReply(211, "There is no quota")
	case !u.IsCounted:
		return newReply(450, "The files are being counted: try again soon")
	}
	lines := []string{"Quota"}
	if u.Limit.Bytes > 0 {
		lines = append(lines, quotaLine("bytes", u.Bytes, u.Limit.Bytes, u.FreeBytes))
	}
	if u.Limit.Files > 0 {
		lines = append(lines, quotaLine("files and directories", u.Files, u.Limit.Files, u.FreeFiles))
	}
	if u.Limit.FileBytes > 0 {
		lines = append(lines, " "+strconv.FormatInt(u.Limit.FileBytes, 10)+" bytes are the most for one file")
	}
	return newReply(211, append(lines, "End")...)
}

func quotaLine(what string, used, limit, free int64) string {
	return " " + strconv.FormatInt(used, 10) + " of " + strconv.FormatInt(limit, 10) + " " + what + " are used, " + strconv.FormatInt(free, 10) + " are free"
}

// announced returns the size that ALLO has announced for the next upload; negative: none.
func (s *session) announced() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allocated
}

// expect makes room for so many bytes, or ends the upload: then the client learns it before
// it sends them.
func (t *transfer) expect(f *upload.Upload, size int64) error {
	if size <= 0 {
		return nil
	}
	err := f.Expect(f.Start() + size)
	if err != nil {
		return t.abort(f, f.Start(), err)
	}
	return nil
}

// Volume counts the files of a file system, for the quotas of users, and keeps a reserve of
// its disk. Package httpd has the same type: one Volume is for all servers of a file
// system, and no file may be written without it. Set it in [Account.Volume].
//
// The first upload that needs a quota waits until the files are counted, for ten seconds at
// most; then it is refused with 450 until they are. Its field and methods are:
//
//	OnRefusal func(reason string) // if not nil, is called for each change that was refused
//	Recount()                     // sees the changes by other programs; call it now and then
//	Close()                       // before the file system is closed
type Volume = quota.Volume

// Quota is the most that a user may have below its home. Zero means no limit. Its fields
// are:
//
//	Bytes int64 // the sizes of all regular files, unfinished uploads included
//	Files int64 // the number of files, directories and links
//	FileBytes int64 // the size of each file that the user writes
type Quota = quota.Limit

// Reserve is the space of each disk that uploads leave free: Bytes, or a Percent of the
// disk.
type Reserve = quota.Reserve

// NewVolume returns a Volume of fsys.
func NewVolume(fsys afero.Fs, reserve Reserve) *Volume { return quota.New(fsys, reserve) }
