// Package e2e drives the program, as it is built, by the clients that people
// use and by some that nobody should have.
//
//	make e2e
//
// Each test serves a new directory on loopback and ends the program by a
// signal; it must then exit with status 0 and must not have written of a
// panic. What a client cannot see, that it resumed or that its bytes took the
// fast method, the tests read in the log, and strace shows that the log is right.
//
// A program that is not installed fails the tests that need it, because a
// test that is skipped hides what it no longer sees.
package e2e
