package plan

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"sluice/internal/budget"
	"sluice/internal/digest"
	"sluice/internal/filecache"
	"sluice/internal/vfs"
)

// checksumKind is a checksum that a query can request.
type checksumKind struct {
	word string // the key in the query
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

// sendChecksum answers with the line that programs such as sha256sum print for a
// file, and check. Its length is known before the file is read, so the header does
// not wait for that.
func (pl *Plan) sendChecksum(ctx context.Context) Response {
	p, f, kind, party := pl.planner, pl.file, pl.checksum, pl.request.party()
	if !pl.request.isHead() && !p.digests.Has(digest.On(f.File, f.Mount), kind.alg) { // a refusal is a status only before the header
		if err := p.Budget.Checksums.CheckPlace(party); err != nil {
			return pl.makeFailure(ctx, err)
		}
	}
	name := pl.name[strings.LastIndexByte(pl.name, '/')+1:]
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`) // as in coreutils
	mark := ""
	if escaped := escape.Replace(name); escaped != name {
		name, mark = escaped, `\`
	}
	line := func(sum []byte) []byte { return []byte(mark + hex.EncodeToString(sum) + "  " + name + "\n") }
	res := resource{
		validators: validators{etag: etagWith(weakened(p.tagOf(f.Info), f.Residence, f.Info, time.Now()), kind.word), modified: modifiedOf(f.Info)},
		body: Body{{n: int64(len(line(make([]byte, kind.size)))), make: func(ctx context.Context) ([]byte, error) {
			sum, err := p.sum(ctx, party, f, kind.alg)
			return line(sum), err
		}}},
	}
	res.fields.add("Content-Type", "text/plain; charset=utf-8")
	res.fields.add("X-Content-Type-Options", "nosniff")
	resp := respond(&pl.request, &res, time.Now())
	resp.file = f
	return resp
}

// sum returns the checksum of a file in the state that f.Info describes. It waits for turns
// in the name of party.
func (p *Planner) sum(ctx context.Context, party budget.Party, f *filecache.File, alg digest.Algorithm) ([]byte, error) {
	sum, err := p.digests.Sum(ctx, party, digest.On(f.File, f.Mount), alg)
	if err != nil {
		if vfs.IsUnavailable(err) {
			f.Fail()
		}
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && versionOf(info) != versionOf(f.Info) {
		err = digest.ErrChanged
	}
	return sum, err
}

// addReprDigest adds the checksum of the whole representation that a client
// wants (RFC 9530, 4). It waits for it until the end of ctx, because the field stands
// before the body. If there is an error, the response has no such field.
func (p *Planner) addReprDigest(ctx context.Context, r *Request, resp *Response, f *filecache.File) {
	if r.WantReprDigest == "" {
		return
	}
	alg, ok := wantedDigest(r.WantReprDigest)
	if !ok || resp.Status != statusOK && resp.Status != statusPartialContent {
		return
	}
	if sum, err := p.sum(ctx, r.party(), f, alg); err == nil {
		resp.Header.add("Repr-Digest", string(alg)+"=:"+base64.StdEncoding.EncodeToString(sum)+":")
	}
}

// wantedDigest returns the algorithm that a Want-Repr-Digest field prefers. The
// field is a dictionary (RFC 8941, 3.2) of weights from 0, never, to 10. Invalid
// members are ignored, and so are the algorithms that RFC 9530 calls insecure.
func wantedDigest(field string) (digest.Algorithm, bool) {
	var weights [2]int // a later member of a name replaces an earlier one
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
