package httpd

import (
	"errors"
	"net/http"

	"github.com/spf13/afero"

	"sluice/httpd/internal/plan"
	"sluice/internal/quota"
	"sluice/internal/upload"
)

// Volume counts the files of a file system, for the quotas of those who write to it, and
// keeps a reserve of its disk. Package ftpd has the same type: one Volume is for all
// servers of a file system, and no file may be written without it. Set it in
// [Account.Volume] or [Handler.Volume].
//
// The first request that needs a quota waits until the files are counted, for ten seconds
// at most; then it is answered 503 until they are. Its field and methods are:
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

// boundRefusal returns the response to a request that was refused for a quota or for the
// reserve of the disk (RFC 4918, 11.5); nil: err is no such error.
func (ch *change) boundRefusal(err error) *refusal {
	var e *quota.Error
	if !errors.As(err, &e) {
		return nil
	}
	why := refuse(http.StatusInsufficientStorage, sentence(e.Error()))
	switch {
	case e.Reason == quota.Counting:
		why.status = http.StatusServiceUnavailable
		return why
	case e.TooLarge && ch.stores: // else the file is not in the body
		why.status = http.StatusRequestEntityTooLarge
	}
	why.members = []plan.Member{{Name: "reason", Text: e.Reason.String()}, {Name: "limit", Number: e.Limit}}
	if e.Reason != quota.Disk {
		why.members = append(why.members, plan.Member{Name: "used", Number: e.Used})
	}
	why.members = append(why.members, plan.Member{Name: "free", Number: e.Free})
	return why
}

// sentence returns text with a capital letter and a full stop.
func sentence(text string) string {
	return string(text[0]-'a'+'A') + text[1:] + ". Nothing was changed."
}

// announce adds the size of the file to the target, so that there is room for it before its
// bytes are read.
func (ch *change) announce(target *upload.Target) { target.Size = max(ch.size, 0) }
