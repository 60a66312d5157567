//go:build mips64 || mips64le

package sandbox

// moreCalls belong to serverCalls where they exist.
var moreCalls []uint32
