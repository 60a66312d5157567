package httpd

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluice/internal/upload"
)

// draft is draft-ietf-httpbis-resumable-upload-05, with the interoperability version 6.
type draft struct {
	hasInterop bool // the client knows the response 104
}

const (
	// draftType is the media type of the body of PATCH.
	draftType = "application/partial-upload"

	interopField   = "Upload-Draft-Interop-Version"
	interopVersion = "6"

	// statusUploadResumption is that of a response with the address of the upload, before
	// its body is read.
	statusUploadResumption = 104
)

var (
	errInterop  = refuse(http.StatusBadRequest, interopField+" must be "+interopVersion+", the only version that this server knows.")
	errComplete = refuse(http.StatusBadRequest, "Upload-Complete is missing or malformed: send ?1 with the last bytes of a file, else ?0.")
)

// parseDraft parses the fields of the draft.
func parseDraft(req *uploadRequest, r *http.Request) (err error) {
	header := r.Header
	version := header.Get(interopField)
	req.protocol = draft{version == interopVersion}
	if version != "" && version != interopVersion {
		return errInterop
	}
	if req.length, err = number(header, "Upload-Length"); err != nil {
		return err
	}
	if req.offset, err = number(header, "Upload-Offset"); err != nil {
		return err
	}
	if req.method == http.MethodHead || req.method == http.MethodDelete {
		return nil
	}
	if req.isComplete, err = parseBoolean(header.Values("Upload-Complete")); err != nil {
		return err
	}
	if req.sums, err = parseDigests(header.Values("Content-Digest")...); err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	if req.id != "" {
		return nil
	}
	if req.isComplete && req.length < 0 {
		req.length = r.ContentLength // or -1
	}
	req.metadata = header.Get("Upload-Metadata")
	values, err := parseMetadata(req.metadata)
	if err != nil {
		return err
	}
	if req.name = values["filename"]; req.name == "" {
		_, params, err := mime.ParseMediaType(header.Get("Content-Disposition"))
		if err == nil {
			req.name = params["filename"]
		}
	}
	return nil
}

// parseBoolean parses a boolean of a structured field (RFC 8941, 3.3.6), whose parameters
// have no meaning.
func parseBoolean(lines []string) (bool, error) {
	if len(lines) != 1 {
		return false, errComplete
	}
	value, _, _ := strings.Cut(lines[0], ";")
	switch strings.Trim(value, " \t") {
	case "?1":
		return true, nil
	case "?0":
		return false, nil
	}
	return false, errComplete
}

func (d draft) describe(header http.Header, u *upload.Resumable, expires time.Time, maxUpload int64) {
	if d.hasInterop {
		header.Set(interopField, interopVersion)
	}
	limits := ""
	if maxUpload > 0 {
		limits = fmt.Sprintf("max-size=%d", maxUpload)
	}
	if u != nil {
		header.Set("Upload-Offset", strconv.FormatInt(u.Offset, 10))
		if u.Length >= 0 {
			header.Set("Upload-Length", strconv.FormatInt(u.Length, 10))
		}
		header.Set("Upload-Complete", map[bool]string{true: "?1", false: "?0"}[u.Done])
		if !expires.IsZero() {
			if limits != "" {
				limits += ", "
			}
			limits += fmt.Sprintf("expires=%d", int64(time.Until(expires).Seconds()))
		}
	}
	if limits != "" {
		header.Set("Upload-Limit", limits)
	}
}

func (d draft) announce(w http.ResponseWriter, address string) {
	if !d.hasInterop {
		return
	}
	w.Header().Set("Location", address)
	w.WriteHeader(statusUploadResumption)
}

func (draft) checkBody(r *http.Request, isNew bool) error {
	if !isNew && r.Header.Get("Content-Type") != draftType {
		return refuse(http.StatusUnsupportedMediaType, "Content-Type must be "+draftType+".")
	}
	return nil
}

func (draft) status(method string, isDone, existed bool) int {
	switch {
	case method == http.MethodHead, isDone && existed, method == http.MethodPatch && !isDone:
		return http.StatusNoContent
	}
	return http.StatusCreated
}

func (draft) refusal(err error) error { return err }
