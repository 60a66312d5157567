// Package session keeps the sessions of users who have logged in with a browser.
//
//	store := &session.Store{File: "/var/lib/sluice/sessions"}
//	token, _, err := store.Begin("alice", passwordID, addr, userAgent) // the token becomes a cookie
//	...
//	found, ok := store.Find(token) // of a later request
//	if ok && store.IsOf(token, passwordID) { // the present one of found.User
//
// # Design
//
// A token is 192 random bits. The store has its SHA-256 only, so nobody can log in with
// what the file or a memory dump shows. Looking one up costs no hash of a password: the
// token needs none, because it cannot be guessed.
//
// A session is bound to the password by an HMAC of the password's ID with the token as
// key. The token is not in the store, so the file does not help to guess passwords.
//
// The file has a line for each session, with a checksum: a damaged line ends one session.
// It is replaced as a whole by package userfile, under a lock, so several processes can
// share it, and a crash leaves the old one or the new one. Each change begins with what
// is in the file: what is no longer there has ended. A process looks once a second whether
// the file is another one, and also when it does not know a token, which another process
// may just have given out.
//
// Beginning and ending a session wait for the disk. The time of the last use is written
// when a twentieth of the idle time has passed since it was, in the background: a crash
// makes a session end earlier by that at most.
package session
