package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/metrics"
)

// FindServer returns a handle on the process that is "sluice serve"; the caller
// closes it. It is an error if there is none, or more than one.
func FindServer(ctx context.Context) (*metrics.Process, error) {
	var found []int
	var s metrics.Snapshot
	for p, err := range Host().Processes() {
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p.Read(&s, metrics.FieldName|metrics.FieldIdentity) == nil && isServer(&s) { // or it has ended
			found = append(found, p.ID().PID)
		}
	}
	switch len(found) {
	case 0:
		return nil, errors.New("found no running server; name a process: sluice procinfo PID")
	case 1:
		return Host().Open(found[0])
	}
	slices.Sort(found)
	return nil, fmt.Errorf("there are several servers, with the PIDs %s; name one: sluice procinfo PID", strings.Trim(fmt.Sprint(found), "[]"))
}

// isServer reports whether a process is "sluice serve".
func isServer(s *metrics.Snapshot) bool {
	args := s.Identity.Args
	return strings.TrimSuffix(s.Name, ".exe") == "sluice" && len(args) > 1 && args[1] == "serve"
}
