package ftpd

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"time"
)

func sortedNames(commands map[string]command) []string {
	return slices.Sorted(maps.Keys(commands))
}

// featCommand is FEAT (RFC 2389): what the tables say.
func (s *session) featCommand(string) reply {
	var features []string
	for _, cmd := range commands {
		if cmd.feat == nil {
			continue
		}
		if text := cmd.feat(s); text != "" {
			features = append(features, text)
		}
	}
	slices.Sort(features)
	lines := append([]string{"Features:"}, features...)
	return reply{211, append(lines, "End")}
}

// status is STAT without an argument. It may be asked while a transfer is
// under way, and tells how far that is.
func (s *session) status() reply {
	lines := []string{banner, "From " + s.remote.String() + ", for " + time.Since(s.start).Round(time.Second).String()}
	control := "in clear"
	if state, ok := s.guard.tlsState(); ok {
		control = tls.VersionName(state.Version)
	}
	kind := "binary"
	if s.ascii {
		kind = "ASCII, without conversion"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data := "in clear"
	if s.private {
		data = "protected"
	}
	if s.user == "" {
		lines = append(lines, "Not logged in")
	} else {
		lines = append(lines, "Logged in as "+s.user)
	}
	lines = append(lines,
		"Commands "+control+", data "+data,
		"Type "+kind+", structure F, mode S",
	)
	if op := s.op; op != nil {
		lines = append(lines, fmt.Sprintf("%s %s: %s", op.name, op.arg, op.progress(s.moved.Load())))
	} else {
		lines = append(lines, "No transfer")
	}
	return reply{211, append(lines, "End")}
}

// progress tells how far an operation is.
func (op *operation) progress(moved int64) string {
	text := fmt.Sprintf("%d bytes", moved)
	if op.size >= 0 {
		text = fmt.Sprintf("%d of %d bytes", moved, op.size)
	}
	return text + " in " + time.Since(op.begun).Round(time.Millisecond).String()
}
