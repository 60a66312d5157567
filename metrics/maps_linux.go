package metrics

import (
	"bytes"
	"strconv"
	"strings"
)

const smapsFile cstring = "smaps\x00"

func (p *Process) memoryMaps() ([]MemoryMap, error) {
	b, err := p.os.file(smapsFile)
	if err != nil {
		return nil, err
	}
	maps, ok := parseMaps(b)
	if !ok {
		return nil, errMalformed
	}
	return maps, nil
}

// parseMaps reads the content of /proc/PID/smaps, see proc_pid_smaps(5): a line about
// each mapping, and then lines like "Rss:   8 kB".
func parseMaps(b []byte) (maps []MemoryMap, ok bool) {
	paths := make(map[string]string) // a file is mapped several times
	var m *MemoryMap
	for line := range bytes.Lines(b) {
		if line[len(line)-1] != '\n' {
			return nil, false
		}
		line = line[:len(line)-1]
		key, value, isValue := bytes.Cut(line, []byte(":"))
		if isValue && len(key) > 0 && 'A' <= key[0] && key[0] <= 'Z' { // addresses have small letters
			if m == nil {
				return nil, false
			}
			if to := m.field(key); to != nil {
				n, _, ok := number(bytes.TrimLeft(value, " "))
				if !ok || n > 1<<53 {
					return nil, false
				}
				*to = n << 10
			}
			continue
		}
		next, ok := parseMapping(line, paths)
		if !ok {
			return nil, false
		}
		maps = append(maps, next)
		m = &maps[len(maps)-1]
	}
	return maps, true
}

// field returns the field with a name of the kernel, or nil.
func (m *MemoryMap) field(name []byte) *uint64 {
	switch string(name) {
	case "Rss":
		return &m.RSS
	case "Pss":
		return &m.PSS
	case "Shared_Clean":
		return &m.SharedClean
	case "Shared_Dirty":
		return &m.SharedDirty
	case "Private_Clean":
		return &m.PrivateClean
	case "Private_Dirty":
		return &m.PrivateDirty
	case "Referenced":
		return &m.Referenced
	case "Anonymous":
		return &m.Anonymous
	case "Swap":
		return &m.Swap
	}
	return nil
}

// parseMapping reads a line like
//
//	7f0c0000-7f0c8000 r-xp 00001000 fe:01 4711    /usr/lib/libc.so.6
//
// in which the numbers but the inode are hexadecimal.
func parseMapping(line []byte, paths map[string]string) (m MemoryMap, ok bool) {
	var f [5][]byte // addresses, access, offset, device, inode
	rest := line
	for i := range f {
		f[i], rest, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	}
	start, end, isRange := bytes.Cut(f[0], []byte("-"))
	var errs [3]error
	m.Start, errs[0] = strconv.ParseUint(string(start), 16, 64)
	m.End, errs[1] = strconv.ParseUint(string(end), 16, 64)
	m.Offset, errs[2] = strconv.ParseUint(string(f[2]), 16, 64)
	if !isRange || errs != [3]error{} || len(f[1]) != 4 || len(f[4]) == 0 || m.End < m.Start {
		return MemoryMap{}, false
	}
	m.Access = string(f[1])
	name := bytes.TrimLeft(rest, " ")
	known, ok := paths[string(name)]
	if !ok {
		known = strings.ReplaceAll(string(name), `\012`, "\n") // the only character that the kernel escapes
		paths[string(name)] = known
	}
	m.Path = known
	return m, true
}
