package durable

// For the tests.
const MaxWaiting = maxWaiting

var UnlessGone = unlessGone

// Rounds is rounds with a number in the place of a directory.
type Rounds struct{ rounds }

func (r *Rounds) Do(number uint64, sync func() error) error {
	return r.do(fileKey{number: number}, sync)
}
