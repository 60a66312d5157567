// Package ftpd serves a directory tree over FTP and FTPS.
//
//	tree, err := vfs.Open("/srv/pub")
//	...
//	ln, err := net.Listen("tcp", ":21")
//	...
//	srv := &ftpd.Server{Tree: tree, Anonymous: true}
//	err = srv.Serve(ln) // until srv.Shutdown(ctx) from elsewhere
//
// Downloads go through sendfile.Send, uploads through sendfile.Receive;
// Server.OnTransfer tells of each by which method its bytes went, and so does the
// final reply.
//
// # Who may do what
//
// With Server.Anonymous the names "anonymous" and "ftp" log in with any
// password, and only read. The names in Server.Users log in with theirs, and
// change files if Server.Write is set. Nobody else gets in. Wrong passwords are
// answered late and alike; three end the session, and many from one address
// keep it out for a while.
//
// # Protection
//
// With Server.TLSConfig clients may protect commands by AUTH TLS, or from the
// first byte on by Server.ServeTLS, and data by PROT P (RFC 4217). Server.TLS
// makes that a must, and Server.Reuse makes data connections prove that they
// belong to the session. In TLS 1.2 that needs session tickets, which clients
// on libcurl do not take.
//
// # Uploads
//
// STOR writes to a hidden file beside its target, which takes the target's
// name when all has arrived and is on the disk: whatever breaks off before
// leaves the target as it was. RFC 959 ends a file by closing the connection,
// so in clear a client that closes cleanly half-way cannot be told from one
// that has finished; one that resets, aborts or takes the control connection
// down with it can, and in TLS every one. Where the target is a symbolic link,
// the file replaces the link.
//
// What has arrived of an upload that broke off is kept for a while, and REST or
// APPE goes on there.
//
// # What is spoken
//
// RFC 959 with RFC 1123; RFC 2228 and 4217 for TLS; RFC 2389, 2428, 2640, 3659
// and 7151; and of drafts and customs MFMT, MFF, AVBL, RANG, HASH, XCRC and its
// kin, SITE CHMOD, UTIME, UMASK, SYMLINK and WHO. FEAT and HELP tell what there
// is. There is no TYPE A conversion (bytes go as they are, whatever the type,
// and so SIZE and REST work in both), no record structure, and no MODE but S.
//
// Commands are answered in the order in which they come. During a transfer
// ABOR, NOOP, STAT and HELP are answered at once, and others wait for its end.
// STAT tells how far it is, and SITE WHO, to those with the right account.Who,
// what all clients do, those of other servers with the same Server.Live too.
//
// # Layers
//
// Each control connection has its own FtpServer of ftpserverlib, and type guard
// stands between the two: it reads the lines, answers most commands itself from
// the tables of commands, and lets the library have the rest, one at a time.
// Below the guard is TLS. Transfers and listings are operations of a session;
// their data connections come from a dataSource, which is a port of ours or
// one of the client's. What a client may touch is in type driver, and package
// vfs below that keeps it inside the tree.
package ftpd
