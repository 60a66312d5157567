package session

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"time"
)

// key is the SHA-256 of a token.
type key [sha256.Size]byte

// entry is a session in the store.
type entry struct {
	Session
	key   key
	proof [sha256.Size]byte // see proofOf
	saved time.Time         // Used in the file; zero: there is no file
}

// line is an entry in the file.
type line struct {
	Key   string `json:"key"`
	Proof string `json:"proof"`
	User  string `json:"user"`
	Made  int64  `json:"made"` // Unix seconds
	Used  int64  `json:"used"`
	Addr  string `json:"addr,omitempty"`
	Agent string `json:"agent,omitempty"`
}

// heading is the first line of a file.
const heading = "# Sessions of sluice: changed by the server and by \"sluice session\" alone.\n"

var errForeign = errors.New("it is not a file of sessions; move it away, or name another directory")

// parse returns the entries of a file, and the number of lines that are damaged. If
// nothing in it is of this package, the error is errForeign.
func parse(content []byte) (all map[key]*entry, damaged int, err error) {
	all = make(map[key]*entry)
	for text := range bytes.Lines(content) {
		switch e, err := parseLine(text); {
		case string(text) == heading:
		case err != nil:
			damaged++
		default:
			all[e.key] = e
		}
	}
	if len(content) > 0 && len(all) == 0 && !bytes.HasPrefix(content, []byte(heading)) {
		return nil, damaged, errForeign
	}
	return all, damaged, nil
}

var errDamaged = errors.New("the line is damaged")

func parseLine(text []byte) (*entry, error) {
	sum, object, _ := bytes.Cut(text, []byte(" "))
	object, isWhole := bytes.CutSuffix(object, []byte("\n"))
	if !isWhole || string(sum) != checksum(object) {
		return nil, errDamaged
	}
	var l line
	if err := json.Unmarshal(object, &l); err != nil {
		return nil, err
	}
	e := &entry{Session: Session{User: l.User, Addr: l.Addr, Agent: l.Agent, Made: time.Unix(l.Made, 0), Used: time.Unix(l.Used, 0)}}
	for _, field := range []struct {
		text string
		to   []byte
	}{{l.Key, e.key[:]}, {l.Proof, e.proof[:]}} {
		decoded, err := hex.DecodeString(field.text)
		if err != nil || len(decoded) != len(field.to) {
			return nil, errDamaged
		}
		copy(field.to, decoded)
	}
	if e.User == "" {
		return nil, errDamaged
	}
	e.ID, e.saved = e.key.id(), e.Used
	return e, nil
}

// render returns the content of a file, in the order of the times of login.
func render(all map[key]*entry) ([]byte, error) {
	b := bytes.NewBufferString(heading)
	for _, e := range slices.SortedFunc(maps.Values(all), older) {
		object, err := json.Marshal(line{
			Key: hex.EncodeToString(e.key[:]), Proof: hex.EncodeToString(e.proof[:]),
			User: e.User, Made: e.Made.Unix(), Used: e.Used.Unix(), Addr: e.Addr, Agent: e.Agent,
		})
		if err != nil {
			return nil, err
		}
		_, _ = fmt.Fprintf(b, "%s %s\n", checksum(object), object)
	}
	return b.Bytes(), nil
}

func older(a, b *entry) int {
	return cmp.Or(a.Made.Compare(b.Made), bytes.Compare(a.key[:], b.key[:]))
}

// checksum finds damage by disks and editors. It is no protection against people, who
// cannot write to the file.
func checksum(b []byte) string {
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE(b)), 16)
}

// id returns what a session is called, which lets nobody in.
func (k key) id() string { return hex.EncodeToString(k[:6]) }
