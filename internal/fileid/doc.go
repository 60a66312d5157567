// Package fileid tells a state of a file from all other states of all files, so
// that what was learned of its content can be remembered.
//
//	id, err := fileid.Of(f)
//	if sum, ok := sums[id]; ok && id.Known() { ...
//
// # Where it is not sure
//
// A file may be changed twice within one tick of the clock that stamps it, and
// then the second change does not show. Remember only what was learned of a
// file that was [ID.Settled] before it was read.
package fileid
