//go:build !linux

package mounts

// noList is the source of systems whose mounts are not known.
type noList struct{}

func newSource() source { return noList{} }

func (noList) changed() bool { return false }
func (noList) read() []entry { return nil }
