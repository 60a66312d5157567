// Package e2e tests the built program with real clients, and with clients that
// attack it or break off.
//
//	make e2e
//
// Each test serves a new directory on loopback and ends the program by a signal. The
// program must then exit with status 0 and must not have logged a panic. Some facts a
// client cannot see, such as that it resumed a download, or the method by which its
// bytes went. For these the tests read the log, and strace shows that the log is right.
//
// A client program that is not installed fails the tests that need it, because a
// skipped test hides failures.
package e2e
