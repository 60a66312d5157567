package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// capSet is a set of capabilities, a bit each, capabilities(7).
type capSet uint64

func (c capSet) has(capability int) bool { return c&(1<<capability) != 0 }

func (c capSet) String() string {
	var names []string
	for _, known := range rootCaps {
		if c.has(known.number) {
			names = append(names, known.name)
			c &^= 1 << known.number
		}
	}
	if c != 0 {
		names = append(names, fmt.Sprintf("%#x", uint64(c)))
	}
	return strings.Join(names, ",")
}

// rootCaps are the capabilities that a server keeps if it stays root: access to all
// files, and ports below 1024 for FTP data connections.
var rootCaps = []struct {
	number int
	name   string
}{
	{unix.CAP_CHOWN, "chown"},
	{unix.CAP_DAC_OVERRIDE, "dac_override"},
	{unix.CAP_DAC_READ_SEARCH, "dac_read_search"},
	{unix.CAP_FOWNER, "fowner"},
	{unix.CAP_FSETID, "fsetid"},
	{unix.CAP_NET_BIND_SERVICE, "net_bind_service"},
}

// capsToKeep returns the capabilities that the process keeps as user u, or as uid if u is
// nil.
func capsToKeep(u *User, uid int) (keep capSet) {
	if u != nil {
		uid = u.UID
	}
	if uid != 0 {
		return 0
	}
	caps, err := effectiveCaps()
	if err != nil {
		caps = ^capSet(0)
	}
	for _, c := range rootCaps {
		keep |= caps & (1 << c.number)
	}
	return keep
}

// effectiveCaps returns the effective capabilities of the process.
func effectiveCaps() (capSet, error) {
	content, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	t, err := parseStatus(string(content))
	return t.caps["Eff"], err
}

// dropBounding drops all capabilities but keep from the bounding set. It reports whether
// the process may do so; if not, the set does no harm, because with no_new_privs the
// process cannot gain any.
func dropBounding(keep capSet) (dropped bool, err error) {
	for c := range 64 {
		if keep.has(c) {
			continue
		}
		err := ll.AllThreadsPrctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
		switch {
		case errors.Is(err, syscall.EPERM):
			return false, nil
		case errors.Is(err, syscall.EINVAL): // beyond the last capability
			return true, nil
		case err != nil:
			return false, fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	return true, nil
}

// setCaps sets the capabilities of all threads to keep, with none inheritable.
func setCaps(keep capSet) error {
	if err := ll.AllThreadsPrctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil && !errors.Is(err, syscall.EINVAL) { // before Linux 4.3
		return fmt.Errorf("clear the ambient capabilities: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for i := range data {
		data[i].Effective = uint32(keep >> (32 * i))
		data[i].Permitted = data[i].Effective
	}
	if _, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0); errno != 0 {
		return fmt.Errorf("empty the capability sets: %w", errno)
	}
	return nil
}
