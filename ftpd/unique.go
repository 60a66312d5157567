package ftpd

import (
	"crypto/rand"
	"strings"
)

// openUnique opens for STOU: as for STOR, under a name that no file has, which
// reply 150 tells (RFC 1123, 4.1.2.9). The argument, if there is one, is how it
// begins.
func openUnique(d *driver, arg string) (mover, error) {
	if arg == "" {
		arg = "upload"
	}
	name := arg
	for { // 40 random bits are soon free
		if _, err := d.tree.Lstat(d.path(name)); err != nil {
			break
		}
		name = arg + "." + strings.ToLower(rand.Text()[:8])
	}
	d.session.introduce("FILE: " + name)
	return openStore(d, name)
}
