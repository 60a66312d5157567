//go:build race

package sendfile_test

const raceEnabled = true
