package s3fs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
)

// marker is the first line of the object that an unfinished upload leaves, under a hidden name, so that any server can
// continue it. The bytes behind that line are those of the file behind the parts.
type marker struct {
	Version int    `json:"sluice-upload"`
	Key     string `json:"key"`          // of the object that it becomes
	ID      string `json:"id,omitempty"` // of the multipart upload; "": all bytes are in the marker
	Token   string `json:"token"`
	layout         // of the parts
	At      int64  `json:"at"` // offset of the bytes behind the line
}

const (
	markerVersion = 1
	markerBegins  = `{"sluice-upload":`
	maxLine       = 16 << 10
	wholeMarker   = true
	lineOfMarker  = false
)

// errNoMarker means that a hidden object is an ordinary small file.
var errNoMarker = errors.New("no upload")

// save writes the marker, under that key.
func (u *upload) save(key string) error {
	if err := u.settle(); err != nil {
		return err
	}
	if key == u.marked && !u.dirty {
		return nil
	}
	if err := u.writeMarker(key, u.sent, u.buffer); err != nil {
		return err
	}
	u.marked, u.savedAt, u.savedTo, u.dirty = key, u.sent, u.size.Load(), false
	return nil
}

// writeMarker writes a marker with data, which begins at that offset.
func (u *upload) writeMarker(key string, at int64, data []byte) error {
	u.lease.end()
	return u.fs.put(u.ctx, key, append(u.line(at), data...), "", false)
}

// line returns the first line of a marker.
func (u *upload) line(at int64) []byte {
	line, _ := json.Marshal(marker{markerVersion, u.key, u.id, u.token, u.layout, at}) // it has only text and numbers
	return append(line, '\n')
}

// readMarker reads a marker, and the bytes behind its line if isWhole is set. The error is fs.ErrNotExist if there is no
// object of that key, and errNoMarker if it is something else.
func (s *FS) readMarker(ctx context.Context, key string, isWhole bool) (m marker, data []byte, err error) {
	content, _, _, err := s.readSmall(ctx, key, isWhole)
	if err != nil {
		return m, nil, err
	}
	m, data, err = parseMarker(content)
	return m, data, err
}

// parseMarker splits the content of a marker.
func parseMarker(content []byte) (m marker, data []byte, err error) {
	line, data, _ := bytes.Cut(content, []byte("\n"))
	if !bytes.HasPrefix(line, []byte(markerBegins)) {
		return m, nil, errNoMarker
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return m, nil, fmt.Errorf("%w: %w", errNoMarker, err)
	}
	if m.Version != markerVersion || m.First <= 0 || m.Most < m.First || m.At < 0 {
		return m, nil, fmt.Errorf("%w of this version", errNoMarker)
	}
	return m, data, nil
}

// readSmall reads the beginning of an object, or all of it. It returns the size of the whole.
func (s *FS) readSmall(ctx context.Context, key string, isWhole bool) (content []byte, size int64, object minio.ObjectInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var opt minio.GetObjectOptions
	if !isWhole {
		_ = opt.SetRange(0, maxLine-1)
	}
	body, object, header, err := s.client.GetObject(ctx, s.bucket, key, opt)
	if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return nil, 0, object, nil // it is empty
	}
	if err != nil {
		return nil, 0, object, translate(err)
	}
	defer body.Close()
	size = object.Size
	if _, total, ok := strings.Cut(header.Get("Content-Range"), "/"); ok {
		if size, err = strconv.ParseInt(total, 10, 64); err != nil {
			return nil, 0, object, fmt.Errorf("%w: it sends a range of %q bytes", ErrStore, total)
		}
	}
	content, err = io.ReadAll(body)
	return content, size, object, translate(err)
}

// load returns the upload of a marker, to continue or abort it.
func (s *FS) load(key string) (*upload, error) {
	m, data, err := s.readMarker(s.ctx, key, wholeMarker)
	if err != nil {
		return nil, err
	}
	u := s.newUpload(m.Key)
	u.token, u.layout, u.id, u.marked = m.Token, m.layout, m.ID, key
	if u.parts, u.stray, err = s.partsOf(u.ctx, m); err != nil {
		u.release()
		return nil, err
	}
	for _, p := range u.parts {
		u.sent += p.size
	}
	u.size.Store(u.sent)
	if m.At == u.sent && len(data) > 0 { // otherwise a later part has them
		if err := u.fill(data); err != nil {
			u.release()
			return nil, err
		}
		u.dirty = false
	}
	u.savedAt, u.savedTo = m.At, m.At+int64(len(data))
	return u, nil
}

// partsOf returns the parts that the store has of an upload, up to the first gap, and the numbers of those behind it. A
// shorter part was spoiled, or the last one of an attempt to end the upload, and is a gap. The error is fs.ErrNotExist if
// the upload was ended or aborted.
func (s *FS) partsOf(ctx context.Context, m marker) (parts []sentPart, stray []int, err error) {
	if m.ID == "" {
		return nil, nil, nil
	}
	for after, more := 0, true; more; {
		page, err := s.listParts(ctx, m, after)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range page.ObjectParts {
			isWhole := p.Size == m.size(p.PartNumber)
			switch {
			case isWhole && p.PartNumber == len(parts)+1:
				parts = append(parts, sentPart{strings.Trim(p.ETag, `"`), p.Size})
			case isWhole:
				stray = append(stray, p.PartNumber)
			}
		}
		more = page.IsTruncated && page.NextPartNumberMarker > after
		after = page.NextPartNumberMarker
	}
	return parts, stray, nil
}

func (s *FS) listParts(ctx context.Context, m marker, after int) (minio.ListObjectPartsResult, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	page, err := s.client.ListObjectParts(ctx, s.bucket, m.Key, m.ID, after, pageSize)
	return page, translate(err)
}

// statHidden describes a file with a name of package partial: an upload by its bytes, anything else by the object.
func (s *FS) statHidden(key string) (*info, error) {
	if u := s.writing.find(key); u != nil {
		return u.info(key), nil
	}
	content, size, object, err := s.readSmall(s.ctx, key, lineOfMarker)
	if err != nil {
		return nil, err
	}
	described := fileOf(path.Base(key), &object)
	described.size = size
	m, data, err := parseMarker(content)
	switch {
	case errors.Is(err, errNoMarker):
		return described, nil
	case err != nil:
		return nil, err
	}
	parts, _, err := s.partsOf(s.ctx, m)
	if err != nil {
		return nil, err
	}
	sent := int64(0)
	for _, p := range parts {
		sent += p.size
	}
	if line := int64(len(content) - len(data)); m.At == sent {
		sent += size - line
	}
	described.size = sent
	return described, nil
}

// discard removes what has a name of package partial: an upload with its parts, or a small file.
func (s *FS) discard(key string) error {
	if u := s.writing.find(key); u != nil {
		s.writing.remove(key, u)
		err := u.abort()
		if u.marked == "" {
			return err
		}
		return errors.Join(err, s.deleteObject(s.ctx, u.marked))
	}
	m, _, err := s.readMarker(s.ctx, key, lineOfMarker)
	switch {
	case err == nil && m.ID != "":
		err = s.abortMultipart(m.Key, m.ID)
	case errors.Is(err, errNoMarker):
		err = nil
	}
	if err != nil {
		return err
	}
	return s.deleteObject(s.ctx, key)
}
