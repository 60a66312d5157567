// Package ftpd serves a directory tree over FTP (RFC 959, with RFC 2428 for
// IPv6 and RFC 3659 for resuming and machine-readable listings).
//
//	tree, err := vfs.Open("/srv/pub")
//	...
//	ln, err := net.Listen("tcp", ":21")
//	...
//	srv := &ftpd.Server{Tree: tree, Anonymous: true}
//	err = srv.Serve(ln) // until srv.Shutdown(ctx) from elsewhere
//
// Downloads go through sendfile.Send, uploads through sendfile.Receive;
// Server.OnTransfer tells of each by which road its bytes went.
//
// # Who may do what
//
// With Server.Anonymous the names "anonymous" and "ftp" log in with any
// password, and only read. The names in Server.Users log in with theirs, and
// change files if Server.Write is set. Nobody else gets in.
//
// # Uploads
//
// STOR writes to a hidden file beside its target, which takes the target's
// name when all has arrived and is on the disk: whatever breaks off before
// leaves the target as it was. RFC 959 ends a file by closing the connection,
// so a client that closes cleanly half-way cannot be told from one that has
// finished; one that resets, aborts or takes the control connection down with
// it can. Where the target is a symbolic link, the file replaces the link.
//
// REST with STOR, and APPE to a file that exists, write into that file, since
// resuming means to keep what is there; one at a time.
//
// # What it does not do
//
// There is no TLS, no TYPE A conversion (bytes go as they are, whatever the
// type, and so SIZE and REST work in both), no SITE, HASH, COMB or MODE Z.
// Symbolic links are followed within the tree and cannot be made.
//
// # Layers
//
// Each control connection has its own FtpServer of ftpserverlib, so that every
// hook of the library knows its client. The library parses and answers; below
// it, type control sees each line that comes and goes; beside it, type
// passiveListener decides who gets the data. What the client may touch is in
// type driver, and package vfs below that keeps it inside the tree.
//
// Some of the library's weaknesses can only be cured by a filter of commands,
// which is not written yet: a PORT to the client's own ports below 1024 is
// obeyed, a command during a transfer is answered after it (NOOP) or into the
// middle of it (unknown ones), failed transfers answer 550 where RFC 959 has
// 426 and 451, and PASV over IPv6 answers 421.
package ftpd
