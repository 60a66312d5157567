//go:build !linux

package servers_test

const costsKnown = false // package proc tells them on Linux alone
