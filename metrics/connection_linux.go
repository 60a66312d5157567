package metrics

import "fmt"

// connections fills c for each socket that matches f and calls yield, until yield
// returns false.
func (h Host) connections(f Filter, c *Connection, yield func() bool) error {
	owners, err := h.ownersFor(f.PID, f.Owner)
	if err != nil {
		return err
	}
	d, err := h.openDiagOf(f.PID)
	if err != nil {
		return fmt.Errorf("metrics: connections: %w", err)
	}
	defer d.close()

	var buf diagBuffer
	malformed := false
	each := func(payload []byte) bool {
		if _, ok := parseDiag(payload, f.Protocol, c, &buf); !ok {
			malformed = true
			return false
		}
		if pid, ok := owners[c.Inode]; ok && c.Inode != 0 {
			c.PID = pid
			c.Have |= ConnectionPID
		} else if f.PID != 0 {
			return true
		}
		if c.Have.Has(ConnectionTCP) {
			c.TCP.At = d.answeredAt
		}
		return yield()
	}
	err = d.dump(f, each)
	if malformed {
		err = errMalformed
	}
	if err != nil {
		return fmt.Errorf("metrics: connections: %w", err)
	}
	return nil
}
