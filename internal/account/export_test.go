package account

// HoldHashing blocks the computation of hashes until release is called.
func HoldHashing() (release func()) {
	hashSlot <- struct{}{}
	return func() { <-hashSlot }
}
