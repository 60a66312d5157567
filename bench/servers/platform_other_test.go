//go:build !linux

package servers_test

const costsKnown = false // package proc accounts processes on Linux alone
