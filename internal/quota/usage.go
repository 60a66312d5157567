package quota

// Usage is what a user has and may have.
type Usage struct {
	Limit       Limit
	Bytes       int64 // of the files below the home
	Files       int64 // names below the home
	FreeBytes   int64 // what can be added; negative: no limit
	FreeFiles   int64
	IsCounted   bool // the numbers are known
	HasNoLimits bool // there is no quota: only Limit is set
}

// Usage returns what is below the home of the user. It does not block.
func (s *Space) Usage() Usage {
	if s == nil {
		return Usage{HasNoLimits: true, FreeBytes: -1, FreeFiles: -1}
	}
	if s.home == nil {
		return Usage{Limit: s.limit, HasNoLimits: s.limit.IsZero(), FreeBytes: -1, FreeFiles: -1, IsCounted: true}
	}
	s.volume.mu.Lock()
	defer s.volume.mu.Unlock()
	u := Usage{Limit: s.limit, FreeBytes: -1, FreeFiles: -1, IsCounted: s.home.counted}
	if !u.IsCounted {
		return u
	}
	u.Bytes, u.Files = s.home.total.bytes, s.home.total.files
	free := s.freeLocked()
	if s.limit.Bytes > 0 {
		u.FreeBytes = max(free.bytes, 0)
	}
	if s.limit.Files > 0 {
		u.FreeFiles = max(free.files, 0)
	}
	return u
}

// Free returns how many of the free bytes of a disk the user may take.
func (s *Space) Free(dir string, onDisk int64) int64 {
	if s == nil {
		return onDisk
	}
	if d := s.volume.disks.of(s.volume, s.placeOfTarget(dir)); d != nil {
		onDisk = min(onDisk, max(d.room(), 0))
	}
	if u := s.Usage(); u.FreeBytes >= 0 {
		onDisk = min(onDisk, u.FreeBytes)
	}
	return onDisk
}

// Fits returns an *Error if a new file of size bytes cannot be made in the directory dir now.
func (s *Space) Fits(dir string, size int64) error {
	if s == nil {
		return nil
	}
	if most := s.limit.FileBytes; most > 0 && size > most {
		return s.volume.refused(tooLong(most))
	}
	if s.home != nil && s.limit.Bytes > 0 && size > s.limit.Bytes {
		return s.volume.refused(&Error{Reason: Bytes, Limit: s.limit.Bytes, Used: s.Usage().Bytes, Free: max(s.Usage().FreeBytes, 0), TooLarge: true})
	}
	if d := s.volume.disks.of(s.volume, s.placeOfTarget(dir)); d != nil && d.room() < size {
		return s.volume.refused(d.full())
	}
	return nil
}
