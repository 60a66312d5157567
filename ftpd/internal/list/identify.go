package list

// fileID is a file's data from stat(2).
type fileID struct {
	device, number uint64 // device and inode, which identify the file
	links          uint64
	owner, group   uint64
}
