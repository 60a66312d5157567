package durable

// MaxWaiting is exported for tests.
const MaxWaiting = maxWaiting

var IgnoreRemoved = ignoreRemoved

// SharedSyncs is sharedSyncs with a number in place of a directory.
type SharedSyncs struct{ sharedSyncs }

func (r *SharedSyncs) Do(number uint64, sync func() error) error {
	return r.do(fileKey{inode: number}, sync)
}
