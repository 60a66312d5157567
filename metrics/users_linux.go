package metrics

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"path"
	"time"
)

func (h Host) users() ([]User, error) {
	root := "/"
	if h.Proc != "" {
		root = path.Join(h.Proc, "1/root") // of the host that Proc belongs to
	}
	b, err := readPath(path.Join(root, "run/utmp"))
	if errors.Is(err, fs.ErrNotExist) {
		b, err = readPath(path.Join(root, "var/run/utmp")) // before /run
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.ErrUnsupported
	case err != nil:
		return nil, err
	}
	users, ok := parseUsers(b)
	if !ok {
		return nil, errMalformed
	}
	return users, nil
}

// A utmpLayout is where the members of a struct utmp of utmp(5) are, which have the
// same places in all layouts up to ut_session. The C library has two of them: with
// times of 32 bits, so that programs of 32 bits can read it, and on some processors,
// such as arm64, with times of 64 bits.
type utmpLayout struct {
	size, seconds int
	wide          bool // 64 bits
}

const (
	utmpPID      = 4
	utmpLine     = 8
	utmpUser     = 44
	utmpHost     = 76
	utmpExit     = 332
	maxUtmpType  = 9 // ACCOUNTING
	utmpUserType = 7 // USER_PROCESS
)

var utmpLayouts = []utmpLayout{{384, 340, false}, {400, 344, true}}

// parseUsers reads the content of utmp with the layout that fits. It returns false if
// none does.
func parseUsers(b []byte) ([]User, bool) {
	for _, layout := range utmpLayouts {
		if users, ok := layout.parse(b); ok {
			return users, true
		}
	}
	return nil, false
}

func (l utmpLayout) parse(b []byte) ([]User, bool) {
	if len(b)%l.size != 0 {
		return nil, false
	}
	users := []User{}
	for ; len(b) > 0; b = b[l.size:] {
		kind := binary.NativeEndian.Uint16(b)
		if kind > maxUtmpType {
			return nil, false
		}
		if kind != utmpUserType {
			continue
		}
		text := func(from, to int) string {
			s, _, _ := bytes.Cut(b[from:to], []byte{0})
			return string(s)
		}
		since := int64(binary.NativeEndian.Uint32(b[l.seconds:])) // until 2106
		micros := binary.NativeEndian.Uint32(b[l.seconds+4:])
		if l.wide {
			since = int64(binary.NativeEndian.Uint64(b[l.seconds:]))
			micros = binary.NativeEndian.Uint32(b[l.seconds+8:])
		}
		users = append(users, User{
			Name: text(utmpUser, utmpHost), Terminal: text(utmpLine, utmpLine+32), Host: text(utmpHost, utmpExit),
			Since: time.Unix(since, int64(micros)*1000), PID: int(int32(binary.NativeEndian.Uint32(b[utmpPID:]))),
		})
	}
	return users, true
}
