package quota

import (
	"slices"
	"strings"
)

// lockPlaces blocks until nobody else has one of the places. All callers take them in the same order, so that none waits in
// a circle. Small and capital letters are the same, because some file systems ignore case.
func (v *Volume) lockPlaces(places []string) (unlock func()) {
	keys := make([]string, len(places))
	for i, at := range places {
		keys[i] = strings.ToLower(at)
	}
	slices.Sort(keys)
	var unlocks []func()
	for _, key := range slices.Compact(keys) {
		unlocks = append(unlocks, v.places.Lock(key))
	}
	return func() {
		for _, unlock := range unlocks {
			unlock()
		}
	}
}

// begin says that what is at the places is about to be changed. It blocks while another change of them is made.
func (v *Volume) begin(places ...string) (end func()) {
	unlock := v.lockPlaces(places)
	homes := v.setBusy(places)
	return func() {
		v.mu.Lock()
		for _, h := range homes {
			h.busy--
			h.changes++
		}
		v.mu.Unlock()
		unlock()
	}
}

// setBusy counts a change in the homes above the places, and returns these.
func (v *Volume) setBusy(places []string) (homes []*home) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, at := range places {
		for _, h := range v.aboveLocked(at) {
			if !slices.Contains(homes, h) {
				homes = append(homes, h)
				h.busy++
			}
		}
	}
	return homes
}

// Lock keeps others from changing what the name leads to until unlock is called. The caller ends no Hold meanwhile.
func (s *Space) Lock(name string) (unlock func()) {
	if s == nil {
		return func() {}
	}
	return s.volume.begin(s.placeOfTarget(name))
}
