package listen

import "golang.org/x/sys/unix"

const reusePortOption = unix.SO_REUSEPORT // divides since DragonFly BSD 3.6
