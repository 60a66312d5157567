package upload

import "sluice/internal/vfs"

var (
	PartialName = partialName
	KeptName    = keptName
	IsKept      = isKept
)

const (
	MinKept   = minKept
	LastBlock = lastBlock
)

// Crash ends an upload as the end of the process would.
func (u *Upload) Crash() {
	_ = u.file.Close()
	u.destination.(*hiddenFile).release()
}

func (s *Store) DiscardAllKept(tree vfs.Tree, dir string) bool {
	return s.discardAllKept(Writer{Tree: tree}, dir)
}
