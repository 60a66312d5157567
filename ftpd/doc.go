// Package ftpd serves files over FTP and FTPS. This program serves a directory
// to everybody, read-only:
//
//	package main
//
//	import (
//		"log"
//		"net"
//
//		"sluice/ftpd"
//	)
//
//	func main() {
//		root, err := ftpd.Dir("/srv/pub")
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer root.Close()
//		ln, err := net.Listen("tcp", ":2121")
//		if err != nil {
//			log.Fatal(err)
//		}
//		srv := &ftpd.Server{FS: root}
//		log.Fatal(srv.Serve(ln)) // until srv.Shutdown(ctx) from elsewhere
//	}
//
// # Who may do what
//
// Server.FS is for the names "anonymous" and "ftp", which log in with any
// password and only read. Server.Login decides about all other names: it
// returns an [Account], which says what the user sees, as which file system, and
// what it may do there. Nobody else gets in. Wrong passwords are answered late
// and alike; three end the session, and many from one address keep it out for a
// while.
//
// # File systems
//
// Any afero.Fs can be served, by Server.FS and Account.FS alike: [Dir] for a
// directory of this machine, afero.NewMemMapFs, afero.NewReadOnlyFs and the
// other wrappers of afero, afero.FromIOFS for any io/fs.FS. Where its files are
// *os.File, also inside those wrappers, downloads go by sendfile and uploads by
// splice, as far as the system has them; all else is copied. Server.OnTransfer
// tells by which method the bytes of each transfer went, and so does the final
// reply. What a file system has no way to do, such as links, is refused with 504,
// and what it refuses with 550. Names that begin with a dot are listed and served;
// the parts of unfinished uploads are hidden. Symbolic links are listed as links, and
// special files as what they are; DELE, RMD and RNFR mean the link itself, commands
// that open or enter follow it.
//
// Names stay in what [Dir] has opened, whatever links lead out of it. For other
// file systems that is up to them: an afero.BasePathFs over an afero.OsFs
// follows links anywhere.
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
// STOR writes to a hidden file next to its target, which takes the target's
// name when all has arrived and is on the disk: whatever breaks off before
// leaves the target as it was. (Whether others may see a part of a file while it
// gets its name depends on the file system: not in what Dir has opened, and not
// in afero.MemMapFs.) RFC 959 ends a file by closing the connection, and a
// client that is killed closes all its connections in order. So the control
// connection decides: after QUIT, or when as much has come as ALLO has announced, the
// file is whole; if the control connection ends without that, it is kept to be resumed;
// and if it stays, the file is published, after a grace of two round trips (4 to 250
// ms, while it is synced) in which its end may come. A client that closes both without
// QUIT looks like one that was killed. In TLS the end of data must be told besides.
// Where the target is a symbolic link, the file
// replaces the link.
//
// What has arrived of an upload that broke off is kept for a while, and REST or
// APPE goes on there. Server.Sweep removes what is too old.
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
// STAT tells how far it is, and SITE WHO, to those with the right [Who], what all
// clients do, those of other servers with the same Server.Live too.
//
// # Drivers of ftpserverlib
//
// FromDriver runs a driver of github.com/fclairamb/ftpserverlib v0.32.3 on the
// engine of this package:
//
//	NewFtpServer(d)          FromDriver(d)
//	server.Logger            srv.Logger
//	server.ListenAndServe()  srv.ListenAndServe(), or srv.Serve(listener)
//	server.Stop()            srv.Shutdown(ctx), which lets transfers finish, or srv.Close()
//	server.Addr()            the address of the listener
//
// All its extensions of MainDriver and ClientDriver are called, and what Login gets
// as its Client is a ClientContext. Uploads have a hidden name until they are whole,
// which the driver sees as OpenFile, Chmod if a file is replaced, and Rename.
// A driver with GetHandle opens the file itself instead: its bytes are copied, one
// after the other, and what becomes of an upload that breaks off is up to it;
// TransferError comes before Close then.
//
// Settings are honoured, or Serve returns why they are not: EnableCOMB and
// DeflateCompressionLevel, which are not implemented, a negative ConnectionTimeout,
// and values that are none. TYPE A converts lines only with DisableASCIIConversion
// unset; then SIZE, REST and RANG are refused, and what breaks off is not kept.
// DisableMFMT is about every command that sets the time of a file.
// WrapPassiveListener is called once for each port, since ports stay open; whatever
// error Accept returns, the port is listened on until it is closed.
// GetTLSConfig is asked once for all that it says, and for the certificate with
// each handshake; where the settings do not require TLS its error means that there
// is none. Unlike there, wrong passwords are answered late and do not end the
// session until the third, PORT and EPRT lead to no port below 1024 nor to one that
// the server listens on, and a client that ClientConnected refuses gets 421.
//
// # Layers
//
// A session is one control connection. One goroutine at a time reads its lines,
// which package control makes of bytes, and answers their commands; the tables of
// commands say how (commands_*.go). A command that takes long, as a transfer does,
// is an operation: it keeps the goroutine, and another reads on. Data connections
// come from package dataconn, which knows no session, and the lines of listings
// from package list. What a client sees and may do is in type user; below it,
// package vfs makes a tree of any file system, and package upload whole files of
// what arrives.
package ftpd
