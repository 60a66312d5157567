package ftpd

import (
	"crypto/rand"
	"strings"
)

// openUnique opens for STOU: as for STOR, under a name that no file has, which
// reply 150 tells (RFC 1123, 4.1.2.9). The argument, if there is one, is how it
// begins. The rest is random even if that name is free: it may be the name of
// another upload, which is not to be seen before it is whole.
func openUnique(d *driver, arg string) (mover, error) {
	if arg == "" {
		arg = "upload"
	}
	for {
		name := arg + "." + strings.ToLower(rand.Text()[:8]) // 40 random bits are soon free
		if _, err := d.tree.Lstat(d.path(name)); err != nil {
			d.session.introduce("FILE: " + name)
			return openStore(d, name)
		}
	}
}
