//go:build !linux

package loopback

func useReno(uintptr) {}
