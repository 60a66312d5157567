package live

import (
	"os"
	"time"

	"sluice/sendfile"
)

// Waiting returns disk, which admits calls of the file f, for sendfile.Options. Unless f is an *os.File, the time between
// Enter and Leave is counted as waiting for a store: such files are those of an object store, or of another file system
// of the program. The result must not be used after End.
func (t *Transfer) Waiting(f any, disk sendfile.Admission) sendfile.Admission {
	if _, isOS := f.(*os.File); isOS || t == nil || disk == &t.store {
		return disk
	}
	t.store.of, t.store.disk = t, disk
	return &t.store
}

// storeWait is an Admission that measures.
type storeWait struct {
	of    *Transfer
	disk  sendfile.Admission // that admits the calls; nil: each is admitted
	watch stopwatch
}

// Enter implements sendfile.Admission.
func (s *storeWait) Enter() error {
	s.watch.start(time.Since(s.of.begun))
	if s.disk == nil {
		return nil
	}
	err := s.disk.Enter()
	if err != nil {
		s.watch.stop(time.Since(s.of.begun))
	}
	return err
}

// Leave implements sendfile.Admission.
func (s *storeWait) Leave() {
	if s.disk != nil {
		s.disk.Leave()
	}
	s.watch.stop(time.Since(s.of.begun))
}
