package metrics

import "fmt"

// connections fills c for each socket that matches f and calls yield, until yield
// returns false.
func (h Host) connections(f Filter, c *Connection, yield func() bool) error {
	var owners map[uint64]int
	switch {
	case f.PID != 0:
		var err error
		if owners, err = h.socketsOf(f.PID); err != nil {
			return err
		}
	case f.Owner:
		owners = h.socketOwners()
	}
	d, err := openDiag()
	if err != nil {
		return fmt.Errorf("metrics: connections: %w", err)
	}
	defer d.close()

	var info tcpInfo
	malformed := false
	each := func(payload []byte) bool {
		if _, ok := parseDiag(payload, c, &info); !ok {
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
