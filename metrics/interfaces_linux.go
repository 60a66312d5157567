package metrics

import (
	"bytes"
	"math"
	"path"
)

func (h Host) netIO() (map[string]NetIO, error) {
	b, err := readPath(path.Join(h.proc(), "net/dev"))
	if err != nil {
		return nil, err
	}
	return parseNetIO(b), nil
}

// parseNetIO reads the content of /proc/net/dev: name, colon, 8 numbers for
// receiving and 8 for sending. The name of an alias holds a colon itself.
func parseNetIO(b []byte) map[string]NetIO {
	all := make(map[string]NetIO)
	for line := range bytes.Lines(b) {
		colon := bytes.LastIndexByte(line, ':')
		if colon < 0 {
			continue // a heading
		}
		f := bytes.Fields(line[colon+1:])
		if len(f) < 16 {
			continue
		}
		var v [16]uint64
		ok := true
		for i := range v {
			var isNumber bool
			v[i], _, isNumber = number(f[i])
			ok = ok && isNumber
		}
		if ok {
			all[string(bytes.TrimSpace(line[:colon]))] = NetIO{
				RecvBytes: v[0], RecvPackets: v[1], RecvErrors: v[2], RecvDrops: v[3],
				SentBytes: v[8], SentPackets: v[9], SendErrors: v[10], SendDrops: v[11],
			}
		}
	}
	return all
}

// linkSpeed returns bits per second, or 0 if the file says -1 or cannot be read.
func (h Host) linkSpeed(name string, _ int) uint64 {
	mbits, ok, _ := readNumber(path.Join(h.sys(), "class/net", name, "speed"))
	if !ok || mbits == math.MaxUint32 { // some drivers write -1 like that
		return 0
	}
	return mbits * 1_000_000
}
