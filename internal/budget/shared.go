package budget

import "sync"

// Shared is the Budget of all servers that have a pointer to it. The zero value is ready for use. It has no methods,
// because public packages name it.
type Shared struct {
	once   sync.Once
	budget *Budget // not before its first use
}

// Of returns the Budget of s, or a new one if s is nil.
func Of(s *Shared) *Budget {
	if s == nil {
		return New()
	}
	s.once.Do(func() { s.budget = New() })
	return s.budget
}
