//go:build !linux && !windows && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package bench

// fill does nothing: more is not known of this system.
func (h *Host) fill() {}
