package account

// HoldHashing lets nobody calculate a hash until release is called.
func HoldHashing() (release func()) {
	hashing <- struct{}{}
	return func() { <-hashing }
}
