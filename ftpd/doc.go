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
// # Users
//
// Server.FS is served to the users "anonymous" and "ftp", who log in with any
// password and only read. Server.Login decides about all other names: it returns an
// [Account], which holds the user's file system, rights and limits. All other logins
// fail. The reply to a failed login is delayed and always the same. Three wrong
// passwords end the session, and many from one address ban it for a while.
//
// # File systems
//
// Any afero.Fs can be served, by Server.FS and Account.FS alike: [Dir] for a directory
// of this machine, afero.NewMemMapFs, afero.NewReadOnlyFs and the other wrappers of
// afero, afero.FromIOFS for any io/fs.FS. If its files are *os.File, also inside those
// wrappers, downloads use sendfile and uploads use splice, on systems that have them;
// everything else is copied. Server.OnTransfer and the final reply report the method of
// each transfer. An operation that a file system does not support, such as links, gets
// reply 504; one that it refuses gets 550. Names that begin with a dot are listed and
// served, except to anonymous users of Server.FS; the files of unfinished uploads are
// always hidden. Symbolic links are listed as links, and special files by their type.
// DELE, RMD and RNFR act on a link itself; commands that open a file or enter a
// directory follow it.
//
// No path and no symbolic link leads out of a tree opened by [Dir]. Other file systems
// decide that themselves: an afero.BasePathFs over an afero.OsFs follows links
// anywhere.
//
// # TLS
//
// With Server.TLSConfig, clients can protect commands by AUTH TLS, or from the first
// byte on by Server.ServeTLS, and data by PROT P (RFC 4217). Server.TLS can make that
// mandatory. Server.Reuse can require that data connections resume the TLS session of
// their control connection, which proves that they come from the same client. In TLS
// 1.2 that needs session tickets, which clients based on libcurl do not use.
//
// # Uploads
//
// STOR writes to a hidden file next to its target, and renames it to the target when
// all bytes have come and are on the disk. An upload that breaks off before leaves the
// target unchanged. (Whether others can see a part of a file during the rename depends
// on the file system; not in a tree opened by Dir, and not in afero.MemMapFs.)
//
// RFC 959 ends a file by closing the data connection, and the kernel closes all
// connections of a killed client in the same way. So the control connection decides
// whether an upload is complete. It is after QUIT, or if as many bytes have come as
// ALLO has announced. If the control connection ends without that, the part is kept to
// be resumed. If it stays open, the file is published after a grace period of two round
// trips (4 to 250 ms, in which the file is synced). A client that closes both
// connections without QUIT looks like one that was killed. With TLS the client must
// also end the data with close_notify.
//
// If the target is a symbolic link, the new file replaces the link; what it led to
// stays as it is. The received part of an upload that broke off is kept for a while,
// and REST or APPE resumes it. Server.Sweep removes old parts.
//
// # Commands
//
// The server implements RFC 959 with RFC 1123; RFC 2228 and 4217 for TLS; RFC 2389,
// 2428, 2640, 3659 and 7151; and, from drafts and other servers, MFMT, MFF, AVBL, RANG,
// HASH, XCRC and similar commands, SITE CHMOD, UTIME, UMASK, SYMLINK and WHO. FEAT and
// HELP list them. TYPE A does not convert anything: bytes are sent as they are in every
// type, and so SIZE and REST work in every type. There is no record structure, and no
// MODE but S.
//
// Commands are answered in the order in which they come. During a transfer ABOR, NOOP,
// STAT and HELP are answered at once; other commands wait for its end. STAT shows the
// progress of the transfer. SITE WHO shows the transfers of all clients, including
// those of other servers with the same Server.Live, to users with the right [Who]. No
// user has it by default, because names of files and addresses of others are private.
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
// It calls all extensions of MainDriver and ClientDriver. The Client that Login gets is
// a ClientContext. Uploads have a hidden name until they are complete; the driver sees
// them as OpenFile, Chmod if a file is replaced, and Rename. A driver with GetHandle
// opens the file itself instead: its bytes are copied sequentially, and the driver
// decides whether to keep an upload that breaks off; TransferError is called before
// Close then.
//
// All settings are honoured, or Serve returns an error: for EnableCOMB and
// DeflateCompressionLevel, which are not implemented, for a negative ConnectionTimeout,
// and for invalid values. TYPE A converts line ends only if DisableASCIIConversion is
// unset; then SIZE, REST and RANG are refused, and no parts of uploads are kept.
// DisableMFMT disables every command that sets the time of a file. WrapPassiveListener
// is called once for each port, because ports stay open; errors of Accept do not end
// the use of a port. GetTLSConfig is called once for the configuration, and again in
// each handshake for the certificate; if the settings do not require TLS, its error
// means that there is no TLS.
//
// Unlike ftpserverlib, this engine delays the replies to wrong passwords and ends the
// session at the third, refuses PORT and EPRT for ports below 1024 and for ports on
// which the server listens, and sends 421 to a client that ClientConnected refuses.
//
// # Layers
//
// A session is one control connection. One goroutine at a time reads its lines, which
// package control parses, and runs their commands from the tables in commands_*.go. A
// command that takes long, such as a transfer, is an operation: it keeps the goroutine,
// and another one reads on. Package dataconn opens the data connections, and package
// list formats the lines of listings; neither knows the session. Type user applies the
// rights; below it, package vfs makes a tree of any file system, and package upload
// writes the uploads.
//
// # Design
//
// The state that commands leave to later ones belongs to the goroutine that runs the
// current command, and needs no lock. An operation keeps its goroutine, so that its code
// reads from top to bottom: a transfer costs one more goroutine, and a small download
// none. One lock serializes replies; operation.end runs with it held, so that no reply
// precedes that of an earlier command. ABOR takes effect at once, but its reply comes in
// turn, even if the client sends commands ahead. The tables of commands also produce
// HELP and FEAT, and the checks of arguments and of the login.
//
// Passive ports stay open and are shared. A server has up to 16 for each local address,
// or the configured range, and chooses among them at random. A goroutine for each port
// gives each connection to the client that has reserved the port from the same address,
// and resets all others. So a transfer costs no socket, bind, listen and close, clients
// do not use up each other's ports, and no port can leak. A connection from another
// address may be the client's, if that uses several. So the client gets 425 if such a
// connection came to a port that waits for it alone, and it has not connected itself
// within a second of its command; a stranger costs others nothing. With TLS the
// connection is used if it resumes the session of the control connection. A second connection from the same address fails the transfer, because one of
// them is not the client's. A port that a client has reserved but not connected to is
// closed, or not given to that client again for 3 seconds: its connection may be on the
// way, and does not belong to the next transfer. A program on the client's own host, or
// behind the same NAT, can still try all ports; ReuseRequired prevents that.
//
// A file of up to 4 KiB, unencrypted and with its data connection open already, is sent
// by the goroutine that reads commands: it fits the smallest send buffer, so nothing
// needs to be interruptible. That saves a third of the CPU time of such a file.
//
// Reply 226 follows when the client has closed its side of the data connection too, or
// 20 ms after reply 150: some clients lose the second of two replies that they read
// together.
//
// If a file exists, REST n resumes the kept part of an upload only if n is exactly the
// size of that part, which reply 426 names. Parts of less than 64 KiB are not kept, and
// none after a full disk. APPE and REST at the end of a file write into the file itself;
// REST in the middle writes to a copy, so that a failure leaves the old file.
//
// Bytes that follow AUTH in clear end the session, because an attacker may have injected
// them. ALPN refuses browsers. Unless ReuseOff is set, each session with TLS has
// configurations of its own, whose tickets carry a mark of the session; the ticket keys
// are shared. So a data connection that resumes a TLS session is the client's. The end
// of TCP without close_notify is an error below package tls, which would report an
// orderly end if it falls between two records. There is no CCC: it would let others
// change what a firewall can read.
//
// Bytes are sent as they are with TYPE A too: a conversion would prevent sendfile, and
// damages binary files.
//
// RMD accepts a symbolic link, and removes the link itself: clients that do not know
// links take one for a directory, and could not remove its parent otherwise. LIST shows
// owners only to users with an account, as numbers. All times are in UTC.
package ftpd
