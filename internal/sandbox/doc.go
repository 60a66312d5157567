// Package sandbox contains a server process: it gives the process another user,
// takes away what the process does not need, and reads again through a helper
// the few files that the process may no longer open.
//
//	user, err := sandbox.Choose("", "/srv/pub")        // before: resolve names
//	// ... bind listeners, open logs, read keys ...
//	files, err := sandbox.StartFiles(sandbox.Named{Read: []string{"site.key"}})
//	report, err := sandbox.Contain(sandbox.Plan{User: user, Read: []string{"/srv/pub"}})
//	f, err := files.Open("site.key")                  // at any time later
//
// Only "sluice serve" uses it, and calls it once, after all listeners are bound and before
// the first client is served. Packages httpd and ftpd never do: a package that others
// import changes nothing of the process.
//
// # What Contain does
//
// In this order, each for all threads: no_new_privs, a Landlock ruleset, the capability
// sets, the user with its groups, a seccomp filter. Then it reads back what the kernel says
// of every thread, and fails if that is not what was asked for. On systems other than Linux
// it changes the user and reports the rest as lacking.
//
// # Programs of later features
//
// After Contain the process can execute nothing. A feature that must run programs (an
// external check of passwords, a hook) forks a runner next to [StartFiles], before Contain,
// and asks it over a socket: the runner gets the list of its programs at its start and
// takes nothing but an index into that list and the arguments, as the helper for files takes
// the names of its list only.
package sandbox
