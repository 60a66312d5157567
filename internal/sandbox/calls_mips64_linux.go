//go:build mips64 || mips64le

package sandbox

// deniedOnArch belongs to deniedToServer: calls that not every processor has.
var deniedOnArch []uint32
