package plan

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// uploadWord is the word in the query of a directory that makes it the address of a
// resumable upload.
const uploadWord = "upload"

// UploadAddress returns the address of the upload with that ID, relative to all that is in
// its directory.
func UploadAddress(id string) string { return "./?" + uploadWord + "=" + url.QueryEscape(id) }

// IsUpload reports whether a request is for a resumable upload.
func IsUpload(path, query string) bool {
	isDir := path == "" || strings.HasSuffix(path, "/") // "": http.StripPrefix has removed the slash too
	return isDir && strings.Contains(query, uploadWord+"=") && UploadID(query) != ""
}

// UploadID returns the ID of the upload that a query names, or "".
func UploadID(query string) string {
	values, _ := url.ParseQuery(query) // on an error it holds the valid pairs
	return values.Get(uploadWord)
}

// mayUpload reports whether there is anybody who may change files by HTTP.
func (p *Planner) mayUpload() bool {
	return slices.Contains(p.Changes, "POST") || p.loginsToChange.Load()
}

// TusVersion and the others are what OPTIONS says about uploads by tus, and TusVersion is
// also the value of the field Tus-Resumable.
const (
	TusVersion    = "1.0.0"
	tusExtensions = "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination"
	tusChecksums  = "sha1,sha256,sha512"
)

// addUploads adds the fields by which a client knows how files may be uploaded.
func (p *Planner) addUploads(fields *Header) {
	if !p.mayUpload() {
		return
	}
	fields.add("Accept-Patch", "application/offset+octet-stream, application/partial-upload")
	fields.add("Tus-Resumable", TusVersion)
	fields.add("Tus-Version", TusVersion)
	fields.add("Tus-Extension", tusExtensions)
	fields.add("Tus-Checksum-Algorithm", tusChecksums)
	if p.MaxUpload > 0 {
		size := strconv.FormatInt(p.MaxUpload, 10)
		fields.add("Tus-Max-Size", size)
		fields.add("Upload-Limit", "max-size="+size)
	}
}
