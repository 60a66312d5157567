// Package daemon is "sluice serve" without its flags: it builds the servers that
// a configuration describes, listens, runs them in a sandboxed process, reloads,
// and drains them at the end.
//
//	err := daemon.Run(ctx, daemon.Options{Config: conf, Load: load, Stdout: os.Stdout, Stderr: os.Stderr})
//
// The packages httpd and ftpd do the work. Only this package changes the process:
// its signals, its user, its sandbox. Listeners are opened by package listen.
//
// # Order of the start
//
// Everything that can fail is tried before a URL is printed: the directory, the
// user to become, the listeners, the certificates, the sandbox. So a printed URL
// works. Connections that arrive before the server accepts wait in the queues of the
// listeners and are not refused. Last, systemd is notified.
//
// # Reload
//
// SIGHUP reads the configuration again. Users, their rights and the certificates
// change for new logins and connections, all or nothing; other changes are named
// in the log and wait for the next start. The configuration is combined anew from
// defaults, file and command line, as at a start that ends before anything is opened,
// so a mistake leaves everything as it was. An empty file is an error: it may be in
// the middle of being written, and without its users guests could read everything.
// SIGHUP never ends the server, also without a file.
//
// # The served directory
//
// The name of the directory is looked up twice a second, because an open vfs.Root
// stays the same directory: releases are switched by a symbolic link, disks are
// mounted late. A replaced tree is not closed, because sessions and transfers still use
// it; the garbage collector closes its descriptors after the last one.
//
// # Sources
//
// A directory and a bucket of an object store are two kinds of a source. Everything that differs between them is in
// directory.go and bucket.go. With --mount there are several, and joined.go makes one of them. The store is asked at the start; afterwards the process, in its sandbox, only connects to it, resolves its
// name, and has a file of credentials read again by the helper.
//
// # Guests
//
// HTTP has no login. It shows what the user anonymous may read: nothing with
// --anonymous=false, and no listings without the right to list. A home, rights and
// a rate in [user.anonymous] therefore hold for FTP and HTTP alike.
//
// # Warnings
//
// A missing page of --not-found or --fallback, and a missing home, are warnings: content
// may be deployed after the start. The log has one line with everything that the sandbox
// has in force and what is missing.
//
// # The end
//
// The first SIGINT or SIGTERM stops accepting and lets transfers run for --drain;
// the second cuts them; the third does not wait for the disk. If a file system
// hangs, Run ends the program three seconds after the cut: the system call would
// never return. Uploads that were not acknowledged are then as after a crash.
package daemon
