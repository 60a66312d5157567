package main

import "golang.org/x/sys/unix"

const reusePortOption = unix.SO_REUSEPORT // divides since Linux 3.9
