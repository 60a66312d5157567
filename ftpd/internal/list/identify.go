package list

// fileID is what the host knows about a file.
type fileID struct {
	device, number uint64 // identify the file: no other has both
	links          uint64
	owner, group   uint64
}
