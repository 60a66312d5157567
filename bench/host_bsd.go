//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package bench

import "golang.org/x/sys/unix"

func (h *Host) fill() {
	h.Kernel = kernelRelease()
	h.CPU = firstOf(unix.Sysctl, "machdep.cpu.brand_string", "hw.model") // darwin; the others
	memory := func(name string) (uint64, error) { return unix.SysctlUint64(name) }
	h.Memory = firstOf(memory, "hw.memsize", "hw.physmem64", "hw.physmem") // darwin; netbsd and openbsd; freebsd
}

// firstOf returns the first of the named values that the kernel has, or zero.
func firstOf[T any](get func(string) (T, error), names ...string) (value T) {
	for _, name := range names {
		if v, err := get(name); err == nil {
			return v
		}
	}
	return value
}
