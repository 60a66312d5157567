// Package sendfile sends files to connections, and receives files from them,
// by the shortest method through the kernel, and says which method it was. What
// is not a file is copied through the same interface.
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"net"
//		"os"
//		"time"
//
//		"sluice/sendfile"
//	)
//
//	func main() {
//		f, err := os.Open("big.iso")
//		if err != nil {
//			log.Fatal(err)
//		}
//		ln, err := net.Listen("tcp", "127.0.0.1:9000")
//		if err != nil {
//			log.Fatal(err)
//		}
//		for {
//			conn, err := ln.Accept()
//			if err != nil {
//				log.Fatal(err)
//			}
//			go func() {
//				defer conn.Close()
//				res, err := sendfile.Send(context.Background(), conn, f, 0, -1, &sendfile.Options{Timeout: time.Minute})
//				log.Printf("%d bytes by %v, %d of them zero-copy: %v", res.Sent, res.Method, res.ZeroCopied, err)
//			}()
//		}
//	}
//
// Send takes any io.ReaderAt and Receive any io.WriterAt. Only a *os.File is
// fast: its bytes can go from the page cache to the socket without entering
// this process. Everything else (bytes.Reader, io.SectionReader, a type of your
// own, even if it embeds *os.File) is copied by its own ReadAt or WriteAt
// through a pooled buffer. Chunks, limits, timeouts, cancellation and errors are
// the same for all.
//
// Unlike io.Copy, which finds sendfile(2) by luck and uses the file's
// position, Send takes an absolute offset and a count and leaves the position
// alone: one open file serves any number of connections at once. A transfer
// moves bounded chunks. Between two chunks a bandwidth limit may wait, progress
// is reported, and cancellation is looked at. A timeout bounds a stall rather
// than the transfer.
//
// # Methods
//
//	method          from           to             how
//	Sendfile      regular file   stream socket  sendfile(2): Linux, FreeBSD, DragonFly BSD, macOS, illumos, Solaris
//	TransmitFile  regular file   stream socket  TransmitFile: Windows
//	Splice        stream socket  regular file   splice(2) through a pipe: Linux
//	Copy          anything       anything       a pooled buffer in this process
//
// Auto takes the first that fits and falls back to Copy when the kernel says
// that the method does not lead from here to there (ENOSYS, EINVAL, EOPNOTSUPP,
// ENOTSUP, EPERM, on Windows ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED and
// the like) before a byte of the step has moved.
//
// By system:
//
//	GOOS                       Send, Auto                     Receive, Auto
//	linux                      Sendfile                       Splice from 2 MiB on or of unknown length
//	freebsd, dragonfly         Sendfile                       Copy
//	darwin, ios                Sendfile                       Copy
//	illumos, solaris           Sendfile                       Copy
//	windows, server editions   TransmitFile with a timeout    Copy
//	windows, client editions   Copy                           Copy
//	openbsd, netbsd, aix       Copy                           Copy
//
// A source that is no regular *os.File, such as a pipe, a file of /proc or any
// other io.ReaderAt, is copied everywhere. So is what goes to an io.WriterAt that
// is no *os.File. Forcing a method does not change that.
//
// # Windows
//
// Client editions run two TransmitFile calls at a time, of all programs
// together, and let the others wait. So Auto transmits on server editions
// only, and copies on the others; Options.Method = TransmitFile transmits
// everywhere. Without Options.Timeout Auto copies too, because a transmission
// does not see the deadlines that the caller has set.
//
// Close on a connection from which a transmission runs ends it, and waits for
// that up to 50 ms. What is left after a transmission that a timeout or the
// context cut short is a connection to close: whether the system has sent more
// than the Result tells is not known.
//
// Receive copies. A Send that waits for a pipe cannot be cancelled there,
// because package os gives pipes no deadlines.
//
// # Ownership
//
// A transfer closes nothing and keeps nothing. The source of a Send may be
// shared, with other transfers too; the connection's direction is the transfer's
// own until it returns. To end a transfer from outside, end its context or close the
// connection.
//
// # Behind io.Copy
//
// A [Section] is a part of a source whose WriteTo is Send, and a [Conn] counts
// the bytes of a connection without losing the fast paths.
//
// # What disables the fast path
//
// A source or destination that is not itself a *os.File: there is no guessing
// what a wrapper would do with the bytes. To send a part of a file, pass the file
// with an offset and a count, not an io.SectionReader.
//
// A connection that does not implement syscall.Conn: *tls.Conn, net.Pipe,
// and every wrapper that embeds net.Conn as an interface. The reverse is a
// trap too: a struct that embeds *net.TCPConn and overrides Write, to count or
// to limit, still implements syscall.Conn, so Send passes its Write by. Look
// at Result.Method in a test for each wrapper that stands in the way.
//
// # Deadlines
//
// With Options.Timeout, or a context that can end, the transfer sets the
// write deadline (Receive: the read deadline) of the connection and clears it
// at its end. Without either, deadlines set by the caller hold, but not on the
// method TransmitFile.
//
// A peer stalls when it takes nothing for the length of the timeout. Linux
// tells how much it has taken (SIOCOUTQ), and so does Windows 10 from 1703 on
// for transmissions (SIO_TCP_INFO): there a peer that drains a full send buffer
// slowly is not mistaken for one that stalls. Elsewhere, and on a connection
// without a descriptor, what counts is that the system accepts something, for
// which little is offered at a time.
package sendfile
