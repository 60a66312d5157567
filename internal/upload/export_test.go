package upload

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
