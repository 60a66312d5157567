package listen

import "golang.org/x/sys/unix"

const reusePortOption = unix.SO_REUSEPORT // distributes connections since Linux 3.9
