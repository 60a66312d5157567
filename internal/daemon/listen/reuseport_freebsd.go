package listen

import "golang.org/x/sys/unix"

const reusePortOption = unix.SO_REUSEPORT_LB // SO_REUSEPORT shares and does not divide; since FreeBSD 12
