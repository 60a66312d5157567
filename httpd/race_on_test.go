//go:build race

package httpd_test

const raceEnabled = true
