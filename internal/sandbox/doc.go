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
// After Contain the process cannot execute programs. A feature that must, such as an external
// check of passwords, uses a [Runner], which [StartRunner] starts before Contain: a process
// that gets one program with its arguments at its start, and afterwards only inputs for it.
// That process is not sandboxed, because the program may need anything; it becomes the user
// that the program shall have.
//
// Each run is a new process: it keeps no state that one input could leave for the next, no
// answer can be taken for that to another input, and the simplest script is enough.
package sandbox
