package ftpd

import (
	"time"

	"sluice/internal/budget"
)

// longWait is how long a command waits for other clients before that is logged.
const longWait = 100 * time.Millisecond

// logWaits logs what has held a command back: waits for other clients, or that there was no place to wait.
func (s *session) logWaits(command, name string, t *budget.Tally) {
	waited, longest := t.Waited()
	refused := t.Refused()
	if waited < longWait && refused == nil {
		return
	}
	attrs := []any{"remote", s.remote.String(), "session", s.id, "user", s.user.name, "op", command, "path", name}
	by := longest.By
	if waited >= longWait {
		attrs = append(attrs, "waited", waited.Round(time.Millisecond), "for", longest.Pool)
	}
	if refused != nil {
		attrs, by = append(attrs, "reason", refused.Error()), refused.By
	}
	attrs = append(attrs, "by", by.String())
	s.server.logger().Info("ftp command held back", attrs...)
}
