package metrics

// A MemoryMap is a mapping in the address space of a process. Sizes are in bytes.
type MemoryMap struct {
	Start, End uint64 // addresses: from Start up to, and without, End
	Access     string // "r-xp": read, write, execute, and private or shared
	Offset     uint64 // of Start in the file
	Path       string // of the file, or a name like "[heap]"; "": anonymous memory. Linux appends " (deleted)" to that of a removed file

	RSS                      uint64 // in RAM
	PSS                      uint64 // a proportional share of RSS: pages of several processes are divided among them
	SharedClean, SharedDirty uint64 // part of RSS: pages that other processes have too
	PrivateClean             uint64 // part of RSS: pages that only this process has, as they are in the file
	PrivateDirty             uint64 // part of RSS: pages that only this process has and that differ from the file
	Referenced               uint64 // part of RSS: used lately
	Anonymous                uint64 // part of RSS: belongs to no file
	Swap                     uint64
}

// MemoryMaps returns the mappings of the process, by address. The kernel walks all
// pages of the process for it, which can take milliseconds. On systems other than
// Linux the error is errors.ErrUnsupported.
func (p *Process) MemoryMaps() ([]MemoryMap, error) {
	maps, err := p.memoryMaps()
	return maps, processError(p.id.PID, "memory maps", err)
}
