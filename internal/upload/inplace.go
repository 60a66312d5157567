package upload

import (
	"errors"
	"fmt"
	"io/fs"

	"sluice/internal/vfs"
)

// inPlace is the target itself, which is written to at its end.
type inPlace struct{ claim *claim }

func (p *inPlace) commit(u *Upload, check func() error) error {
	err := u.sync()
	if err != nil {
		return takeBack(u, err)
	}
	err = check()
	if err == nil {
		err = u.checkThere(p.claim)
	}
	if err == nil {
		err = u.file.Close()
	}
	if err == nil {
		u.store.claims.release(p.claim)
	}
	return err
}

// lastBlock is as large as the blocks of any disk: one that holds old bytes was written again with the new ones.
const lastBlock = 64 << 10

// takeBack takes what was added away again, because cause has kept it from the disk, and returns the error of that. The
// last old bytes are written once more, because the kernel counts the block that holds them as written. That fails if
// somebody else has added to the file meanwhile.
func takeBack(u *Upload, cause error) error {
	info, err := u.file.Stat()
	if err == nil && info.Size() != u.end {
		err = errors.New("another program has written to the file")
	}
	if err == nil {
		err = u.file.Truncate(u.start)
	}
	if err == nil {
		err = writeAgain(u, max(0, u.start-lastBlock), u.start)
	}
	if err == nil {
		err = u.sync()
	}
	if err != nil {
		return fmt.Errorf("%w: %w: %w", ErrDoubt, cause, err)
	}
	return cause
}

// writeAgain writes the bytes from the offset from to the offset to of the target, which it holds.
func writeAgain(u *Upload, from, to int64) error {
	if from == to {
		return nil
	}
	old, err := u.target.Tree.Open(u.target.Name)
	if err != nil {
		return err
	}
	defer old.Close()
	p := make([]byte, to-from)
	if _, err := old.ReadAt(p, from); err != nil {
		return err
	}
	_, err = u.file.WriteAt(p, from)
	return err
}

// checkThere returns ErrGone if nobody can read what was written any more.
func (u *Upload) checkThere(mine *claim) error {
	osFile, ok := vfs.OSFile(u.file)
	if !ok {
		_, err := u.target.Tree.Stat(u.target.Name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && u.store.claims.isReplaced(mine) {
			return ErrGone
		}
		return err
	}
	info, err := osFile.Stat()
	if err == nil && hasNoName(info) {
		return ErrGone
	}
	return err
}

func (p *inPlace) abort(u *Upload, cause error) (kept int64) {
	u.tell(cause)
	_ = u.file.Close()              // again, perhaps: what it holds is what there is
	u.store.claims.release(p.claim) // after that: some file systems write when they close
	return 0
}
