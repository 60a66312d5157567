package metrics

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// connections fills c for each socket that matches f and calls yield, until
// that returns false.
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
	stopped := false
	each := func(payload []byte) bool {
		if _, ok := parseDiag(payload, c, &info); !ok {
			return true
		}
		if pid, ok := owners[c.Inode]; ok && c.Inode != 0 {
			c.PID = pid
			c.Have |= ConnectionPID
		} else if f.PID != 0 {
			return true
		}
		if c.Have.Has(ConnectionTCP) {
			c.TCP.At = d.told
		}
		stopped = !yield()
		return !stopped
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		var request diagRequest
		if err := d.ask(request.all(family, f), unix.NLM_F_DUMP, each); err != nil {
			return fmt.Errorf("metrics: connections: %w", err)
		}
		if stopped {
			return nil
		}
	}
	return nil
}
