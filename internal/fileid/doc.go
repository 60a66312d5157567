// Package fileid identifies a version of a file. Values derived from its content
// can be cached under that ID.
//
//	id, err := fileid.Of(f)
//	if sum, ok := sums[id]; ok && id.Known() { ...
//
// # Limitations
//
// If a file changes twice within one tick of the clock that the file system uses,
// the second change does not change the ID. So cache only values of a file that
// was [ID.Settled] before it was read.
package fileid
