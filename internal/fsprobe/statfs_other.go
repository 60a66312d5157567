//go:build !linux && !darwin && !dragonfly && !freebsd

package fsprobe

import "os"

// typeOf returns "": the type is not known on this system.
func typeOf(*os.File) string { return "" }
