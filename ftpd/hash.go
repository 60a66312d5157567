package ftpd

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/afero"

	"sluice/internal/budget"
	"sluice/internal/digest"
	"sluice/internal/vfs"
)

// hashKind is a checksum algorithm with its name in FTP.
type hashKind struct {
	name      string // for HASH (draft bryan-ftp-hash)
	algorithm digest.Algorithm
}

var hashKinds = []*hashKind{
	{"SHA-256", digest.SHA256}, // the default
	{"SHA-512", digest.SHA512},
	{"SHA-1", digest.SHA1},
	{"MD5", digest.MD5},
	{"CRC32", digest.CRC32},
}

// hashCommand returns a command with a fixed algorithm. No standard has such commands;
// clients know them from other servers.
func hashCommand(kind digest.Algorithm) command {
	return command{
		arg: requiredArg, syntax: "file [first [end]]", login: true,
		work: func(op *operation, arg string) reply { return op.hashRange(kind, arg) },
	}
}

// hashKind returns the algorithm of HASH, which OPTS HASH chooses.
func (s *session) hashKind() *hashKind {
	if s.hash != nil {
		return s.hash
	}
	return hashKinds[0]
}

// featHASH returns the line of FEAT, with a star after the chosen algorithm.
func featHASH(s *session) string {
	var names []string
	for _, k := range hashKinds {
		name := k.name
		if k == s.hashKind() {
			name += "*"
		}
		names = append(names, name)
	}
	return "HASH " + strings.Join(names, ";")
}

// optsHASH answers OPTS HASH, which shows or chooses the algorithm of HASH.
func (s *session) optsHASH(arg string) reply {
	if arg == "" {
		return newReply(200, s.hashKind().name)
	}
	for _, k := range hashKinds {
		if strings.EqualFold(k.name, arg) {
			s.hash = k
			return newReply(200, k.name)
		}
	}
	return newReply(504, "Unknown checksum")
}

// hash answers HASH for a file, or for the range that RANG has set.
func (op *operation) hash(arg string) reply {
	s := op.session
	kind := s.hashKind()
	f, size, err := s.openForHash(arg)
	if err != nil {
		return fileErrorReply(err)
	}
	defer f.Close()
	part := span{0, size - 1}
	if r := s.byteRange; r != nil {
		part = span{r.first, min(r.last, size-1)}
		s.byteRange = nil
	}
	sum, err := op.checksum(f, kind.algorithm, part.first, part.last+1)
	if err != nil {
		return op.hashErrorReply(err)
	}
	return newReply(213, fmt.Sprintf("%s %d-%d %s %s", kind.name, part.first, max(part.last, 0), sum, arg))
}

// hashRange answers XCRC and the like. arg is a name, in quotes if numbers that could be
// part of it follow, and optionally the range of bytes from first up to but without end.
func (op *operation) hashRange(kind digest.Algorithm, arg string) reply {
	s := op.session
	name, rest := cutQuoted(arg)
	f, size, err := s.openForHash(name)
	if err != nil && rest == "" { // numbers may follow a name without quotes
		name, rest, _ = strings.Cut(arg, " ")
		if rest != "" {
			f, size, err = s.openForHash(name)
		}
	}
	if err != nil {
		return fileErrorReply(err)
	}
	defer f.Close()
	first, end, ok := parseSpan(rest, size)
	if !ok {
		return newReply(501, "The range is not in the file")
	}
	sum, err := op.checksum(f, kind, first, end)
	if err != nil {
		return op.hashErrorReply(err)
	}
	return newReply(250, strings.ToUpper(sum))
}

// hashable is a file whose checksum can be computed.
type hashable interface {
	digest.File
	io.Closer
}

// openForHash opens the file that arg names. The caller closes it.
func (s *session) openForHash(arg string) (f hashable, size int64, err error) {
	return s.user.openForHash(s.path(arg))
}

func (u *user) openForHash(name string) (f hashable, size int64, err error) {
	if u.ext.open != nil || u.ext.hash != nil {
		return u.openDriverFile(name)
	}
	whole, size, err := u.openWhole(name, 0)
	if err != nil {
		return nil, 0, err
	}
	if _, ok := whole.(*os.File); !ok {
		return uncachedFile{whole}, size, nil
	}
	return whole, size, nil
}

// checksum returns the checksum of f from the byte first up to but without end, in
// hexadecimal digits.
func (op *operation) checksum(f hashable, kind digest.Algorithm, first, end int64) (string, error) {
	s := op.session
	if hash := s.user.ext.hash; hash != nil {
		return hash(f.Name(), driverHashes[kind], first, end)
	}
	party := s.user.party(s.host)
	party.Waits = new(budget.Tally)
	sum, err := s.server.digests.Part(op.ctx, party, digest.On(f, vfs.MountOfFile(s.user.tree, f)), kind, first, end-first)
	s.logWaits(op.name, f.Name(), party.Waits)
	return hex.EncodeToString(sum), err
}

// uncachedFile is a file whose checksum Server.digests does not cache. The cache
// identifies files by their inodes, but a file system that encrypts, for example, shows
// other bytes of the same inode to other users.
type uncachedFile struct{ afero.File }

func (u uncachedFile) Stat() (fs.FileInfo, error) {
	info, err := u.File.Stat()
	if err != nil {
		return nil, err
	}
	return withoutSys{info}, nil
}

type withoutSys struct{ fs.FileInfo }

func (withoutSys) Sys() any { return nil }

// hashErrorReply returns the reply if a checksum cannot be computed.
func (op *operation) hashErrorReply(err error) reply {
	if op.ctx.Err() != nil {
		return newReply(426, "Aborted")
	}
	if errors.Is(err, digest.ErrChanged) {
		return newReply(450, "File "+digest.ErrChanged.Error())
	}
	return fileErrorReply(err)
}

// cutQuoted splits arg into a name in double quotes, in which quotes are doubled, and the
// rest. Without quotes all of arg is the name.
func cutQuoted(arg string) (name, rest string) {
	if !strings.HasPrefix(arg, `"`) {
		return arg, ""
	}
	for i := 1; i < len(arg); i++ {
		switch {
		case arg[i] != '"':
		case i+1 < len(arg) && arg[i+1] == '"':
			i++
		default:
			return strings.ReplaceAll(arg[1:i], `""`, `"`), strings.TrimSpace(arg[i+1:])
		}
	}
	return arg, "" // no closing quote
}

// parseSpan parses the first byte and the one after the last, both optional, of a range
// in a file of size bytes.
func parseSpan(text string, size int64) (first, end int64, ok bool) {
	fields := strings.Fields(text)
	end, ok = size, len(fields) <= 2
	if ok && len(fields) > 0 {
		first, ok = parseOffset(fields[0])
	}
	if ok && len(fields) > 1 {
		end, ok = parseOffset(fields[1])
	}
	return first, end, ok && first <= end && end <= size
}
