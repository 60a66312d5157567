//go:build race

package ftpd_test

// raceDetector says whether the tests run with the race detector.
const raceDetector = true
