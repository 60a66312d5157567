package httpd

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"sluice/internal/digest"
	"sluice/internal/filecache"
)

// checksumKind is a checksum that can be had of a file.
type checksumKind struct {
	word string // in the query
	alg  digest.Algorithm
	size int // in bytes
}

var checksums = []checksumKind{
	{"sha256", digest.SHA256, 32},
	{"sha512", digest.SHA512, 64},
	{"sha1", digest.SHA1, 20},
	{"md5", digest.MD5, 16},
	{"crc32", digest.CRC32, 4},
}

// serveChecksum answers with the line that sha256sum and its kin print for a
// file, and check. Its length is known before the file is read, so that the
// header need not wait. It takes over f.
func (h *Handler) serveChecksum(a *ask, name string, f *filecache.File, kind checksumKind) reply {
	name = name[strings.LastIndexByte(name, '/')+1:]
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`) // as coreutils do
	mark := ""
	if escaped := escape.Replace(name); escaped != name {
		name, mark = escaped, `\`
	}
	line := func(sum []byte) []byte { return []byte(mark + hex.EncodeToString(sum) + "  " + name + "\n") }
	res := resource{
		validators: validators{etag: etagWith(etagOf(f.Info), kind.word), modified: f.Info.ModTime()},
		body: body{{n: int64(len(line(make([]byte, kind.size)))), make: func(ctx context.Context) ([]byte, error) {
			sum, err := h.sum(ctx, f, kind.alg)
			return line(sum), err
		}}},
	}
	res.fields.add("Content-Type", "text/plain; charset=utf-8")
	res.fields.add("X-Content-Type-Options", "nosniff")
	rep := planFile(a, &res, time.Now())
	rep.done = f.Release
	return rep
}

// sum returns the checksum of a file in the state that f.Info tells.
func (h *Handler) sum(ctx context.Context, f *filecache.File, alg digest.Algorithm) ([]byte, error) {
	sum, err := h.digests.Sum(ctx, f.File, alg)
	if err != nil {
		return nil, err
	}
	info, err := f.File.Stat()
	if err == nil && etagOf(info) != etagOf(f.Info) {
		err = digest.ErrChanged
	}
	return sum, err
}

// addReprDigest adds the checksum of the whole representation that a client
// wants (RFC 9530, 4). It waits for it, as long as ctx lasts: the line stands
// before the body. Without a checksum the client gets the rest all the same.
func (h *Handler) addReprDigest(ctx context.Context, a *ask, rep *reply, f *filecache.File) {
	if a.wantReprDigest == "" {
		return
	}
	alg, ok := wantedDigest(a.wantReprDigest)
	if !ok || rep.status != 200 && rep.status != 206 {
		return
	}
	if sum, err := h.sum(ctx, f, alg); err == nil {
		rep.header.add("Repr-Digest", string(alg)+"=:"+base64.StdEncoding.EncodeToString(sum)+":")
	}
}

// wantedDigest returns the algorithm that a Want-Repr-Digest field prefers: a
// dictionary (RFC 8941, 3.2) of weights from 0, never, to 10. What is no such
// member is passed over, and so are the algorithms that RFC 9530 calls
// insecure.
func wantedDigest(field string) (digest.Algorithm, bool) {
	var weights [2]int // a later member of the same name takes the place of an earlier one
	offered := [2]digest.Algorithm{digest.SHA256, digest.SHA512}
	for member := range strings.SplitSeq(field, ",") {
		member, _, _ = strings.Cut(member, ";")
		key, value, _ := strings.Cut(strings.Trim(member, " \t"), "=")
		weight, err := strconv.ParseUint(value, 10, 8)
		for i, alg := range offered {
			if err == nil && weight <= 10 && key == string(alg) {
				weights[i] = int(weight)
			}
		}
	}
	best := 0
	if weights[1] > weights[0] {
		best = 1
	}
	return offered[best], weights[best] > 0
}
