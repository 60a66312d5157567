package httpd

import (
	"crypto/sha1" //nolint:gosec // against faults, not against attackers: tus demands it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluice/httpd/internal/plan"
	"sluice/internal/upload"
)

// tus is the protocol tus 1.0.
type tus struct{}

// tusType is the media type of the body of PATCH.
const tusType = "application/offset+octet-stream"

var (
	errTusVersion = refuse(http.StatusPreconditionFailed, "Tus-Resumable must be "+plan.TusVersion+", the only version that this server knows.")
	errMetadata   = refuse(http.StatusBadRequest, "Upload-Metadata is malformed: send pairs of a key and its base64, with commas between them.")
	errTusLength  = refuse(http.StatusBadRequest, "A new upload needs Upload-Length, or Upload-Defer-Length: 1.")
	errTusSums    = refuse(http.StatusBadRequest, "Upload-Checksum is malformed: send sha1, sha256 or sha512, a blank, and the base64 of the checksum.")

	errConcat = refuse(http.StatusBadRequest, "Upload-Concat is not supported: send the file in one upload (parallelUploads: 1).")

	// errTusDigest is errDigest with the status that tus has for it.
	errTusDigest = &refusal{status: 460, reason: errDigest.reason, cause: errDigest}
)

// parseTus parses the fields of tus.
func parseTus(req *uploadRequest, header http.Header) (err error) {
	req.protocol = tus{}
	if header.Get("Tus-Resumable") != plan.TusVersion {
		return errTusVersion
	}
	if req.length, err = number(header, "Upload-Length"); err != nil {
		return err
	}
	if req.offset, err = number(header, "Upload-Offset"); err != nil {
		return err
	}
	if header.Get("Upload-Concat") != "" {
		return errConcat
	}
	if req.id == "" {
		deferred := header.Get("Upload-Defer-Length")
		if (req.length < 0) != (deferred == "1") || deferred != "" && deferred != "1" {
			return errTusLength
		}
		req.metadata = header.Get("Upload-Metadata")
		values, err := parseMetadata(req.metadata)
		if err != nil {
			return err
		}
		req.name = values["filename"]
	}
	if req.sums, err = parseDigests(header.Values("Content-Digest")...); err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	return parseTusChecksum(req, header.Values("Upload-Checksum"))
}

// parseMetadata parses Upload-Metadata. Of a key that is there twice an error is made,
// because two programs would read different names.
func parseMetadata(text string) (map[string]string, error) {
	values := make(map[string]string)
	if text == "" {
		return values, nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		key, encoded, _ := strings.Cut(strings.Trim(pair, " "), " ")
		value, err := base64.StdEncoding.DecodeString(encoded)
		if _, twice := values[key]; err != nil || key == "" || twice {
			return nil, errMetadata
		}
		values[key] = string(value)
	}
	return values, nil
}

// tusChecksums are the algorithms of Upload-Checksum.
var tusChecksums = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

// parseTusChecksum parses Upload-Checksum.
func parseTusChecksum(req *uploadRequest, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	algorithm, encoded, _ := strings.Cut(lines[0], " ")
	newHash := tusChecksums[algorithm]
	if newHash == nil || len(lines) > 1 {
		return errTusSums
	}
	sum, err := base64.StdEncoding.DecodeString(encoded)
	h := newHash()
	if err != nil || len(sum) != h.Size() {
		return errTusSums
	}
	req.sums = append(req.sums, checksum{h, sum})
	return nil
}

func (tus) describe(header http.Header, u *upload.Resumable, expires time.Time, _ int64) {
	header.Set("Tus-Resumable", plan.TusVersion)
	if u == nil {
		header.Set("Tus-Version", plan.TusVersion)
		return
	}
	header.Set("Upload-Offset", strconv.FormatInt(u.Offset, 10))
	if u.Length >= 0 {
		header.Set("Upload-Length", strconv.FormatInt(u.Length, 10))
	} else {
		header.Set("Upload-Defer-Length", "1")
	}
	if metadata := u.Notes["metadata"]; metadata != "" {
		header.Set("Upload-Metadata", metadata)
	}
	if !expires.IsZero() {
		header.Set("Upload-Expires", expires.UTC().Format(http.TimeFormat))
	}
}

func (tus) announce(http.ResponseWriter, string) {}

func (tus) checkBody(r *http.Request, _ bool) error {
	if r.Header.Get("Content-Type") != tusType {
		return refuse(http.StatusUnsupportedMediaType, "Content-Type must be "+tusType+".")
	}
	return nil
}

func (tus) status(method string, _, _ bool) int {
	switch method {
	case http.MethodPost:
		return http.StatusCreated
	case http.MethodHead:
		return http.StatusOK
	}
	return http.StatusNoContent
}

func (tus) refusal(err error) error {
	if errors.Is(err, errDigest) {
		return errTusDigest
	}
	return err
}
