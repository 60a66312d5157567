package metrics

import (
	"bytes"
	"path"
)

func (h Host) tcp() (t HostTCP, err error) {
	b, err := readPath(path.Join(h.proc(), "net/netstat"))
	if err != nil {
		return t, err
	}
	if !t.parse(b) {
		return HostTCP{}, errMalformed
	}
	return t, nil
}

// parse reads the content of /proc/net/netstat: pairs of lines that begin with the
// same word, names and then numbers. It returns false if a counter is missing.
func (t *HostTCP) parse(b []byte) bool {
	const prefix = "TcpExt:"
	var names, values []byte
	for line := range bytes.Lines(b) {
		if !bytes.HasPrefix(line, []byte(prefix)) {
			continue
		}
		if names == nil {
			names = line[len(prefix):]
			continue
		}
		values = line[len(prefix):]
		break
	}
	wanted := map[string]*uint64{"ListenOverflows": &t.ListenOverflows, "ListenDrops": &t.ListenDrops}
	keys, numbers := bytes.Fields(names), bytes.Fields(values)
	found := 0
	for i, key := range keys {
		to, ok := wanted[string(key)]
		if !ok || i >= len(numbers) {
			continue
		}
		n, rest, ok := number(numbers[i])
		if !ok || len(rest) > 0 {
			return false
		}
		*to = n
		found++
	}
	return found == len(wanted)
}
