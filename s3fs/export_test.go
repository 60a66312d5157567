package s3fs

// SetMaxCopy sets how many bytes one request copies.
func (s *FS) SetMaxCopy(n int64) { s.writing.maxCopy = n }

// PartSize returns the length of a part of an FS with so much memory for uploads.
func PartSize(number int, memory int64) int64 { return newLayout(0, memory).size(number) }

// FreeMemory returns how many bytes of the memory for uploads are free.
func (s *FS) FreeMemory() int64 {
	s.writing.memory.mu.Lock()
	defer s.writing.memory.mu.Unlock()
	free := s.writing.memory.free
	if s.writing.memory.hasSpare {
		free += s.writing.memory.spare
	}
	return free
}

// Active returns how many uploads the FS has begun or continued.
func (s *FS) Active() int {
	s.writing.mu.Lock()
	defer s.writing.mu.Unlock()
	return len(s.writing.active)
}
