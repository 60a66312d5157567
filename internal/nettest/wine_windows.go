package nettest

import "syscall"

// OnWine reports whether this Windows is played by wine, whose ntdll has a
// function of its own. Tests of what wine does not play as Windows does skip
// themselves there.
func OnWine() bool {
	return syscall.NewLazyDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}
