package ftpd

import "slices"

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
