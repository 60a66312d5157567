// Package sandbox takes rights from a server process: it changes the user, removes
// capabilities, and limits files and system calls. A helper process opens the few
// files that the server must read again later.
//
//	user, err := sandbox.ChooseUser("", "/srv/pub") // before: looks names up
//	// ... bind listeners, open logs, read keys ...
//	files, err := sandbox.StartFiles(sandbox.NamedFiles{Read: []string{"site.key"}})
//	report, err := sandbox.Contain(sandbox.Plan{User: user, Trees: []string{"/srv/pub"}})
//	f, err := files.Open("site.key")                  // at any time later
//
// Only "sluice serve" uses it, once, after all listeners are open and before the first
// client is served. Packages httpd and ftpd do not: a package that other programs import
// must not change the process. The package knows nothing of what the server does, so
// that it can be reviewed alone.
//
// # Steps of Contain
//
// In this order, each for all threads: no_new_privs, a Landlock ruleset, the bounding
// set, the user with its groups, the capability sets, a seccomp filter. Then Contain
// reads back the status of every thread from the kernel and fails if it differs from
// what was requested. On systems other than Linux it changes the user and reports the
// rest as missing.
//
// # Features that run programs
//
// After Contain the process cannot execute programs. A feature that must (an external
// password check, a hook) needs a runner that is started next to [StartFiles], before
// Contain: a process that gets the list of its programs at its start, and then accepts
// only an index into that list and arguments, as the helper for files does.
package sandbox
