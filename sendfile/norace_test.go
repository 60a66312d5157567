//go:build !race

package sendfile_test

const raceEnabled = false
