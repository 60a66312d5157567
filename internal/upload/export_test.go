package upload

import (
	"sluice/internal/partial"
	"sluice/internal/vfs"
)

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

// ResumableName returns the name of a hidden file of a resumable upload: "bytes", "state" or "new".
func ResumableName(dir, id, kind string) string {
	return resumableName(dir, id, "."+kind+partial.Suffix)
}

// CrashResumable ends a request as the end of the process would.
func CrashResumable(r *Resumable) { r.Close() }

// RebootResumable makes the state of a resumable upload that of another boot of the system.
func RebootResumable(r *Resumable) error {
	r.record.Boot = "another"
	return r.save()
}

var ParseRecord = parseRecord
