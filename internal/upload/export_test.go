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
