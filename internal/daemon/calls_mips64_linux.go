//go:build mips64 || mips64le

package daemon

// moreCalls belong to serverCalls where they exist.
var moreCalls []uint32
