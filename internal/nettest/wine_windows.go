package nettest

import "syscall"

// OnWine reports whether this is wine instead of Windows, by a function that only
// wine's ntdll has. Tests of features that wine lacks use it to skip themselves.
func OnWine() bool {
	return syscall.NewLazyDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}
