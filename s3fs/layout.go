package s3fs

const (
	maxParts     = 10_000  // of an upload, in all stores
	partsOfASize = 250     // after which parts are twice as long
	firstSize    = 8 << 20 // of the first parts
	minPart      = 5 << 20 // bytes of a part that is not the last one
	shares       = 4       // no part takes more than one of so many shares of the memory for uploads
)

// layout says where the parts of an upload begin. It depends on nothing else, so that a part that two servers send, because
// one of them does not know that the client has left it, is the same part.
type layout struct {
	First int64 `json:"first"` // length of the first parts
	Most  int64 `json:"most"`  // of the longest
}

// newLayout returns the layout of parts that are all of that size, unless it is 0, for uploads that share memory bytes.
func newLayout(size, memory int64) layout {
	if size > 0 {
		return layout{size, size}
	}
	return layout{firstSize, max(firstSize, memory/shares)}
}

// size returns the length of a part; the first has number 1. The last part of a file may be shorter.
func (l layout) size(number int) int64 {
	doubled := (number - 1) / partsOfASize
	for n := l.First; ; n *= 2 {
		if n >= l.Most || doubled == 0 {
			return min(n, l.Most)
		}
		doubled--
	}
}
