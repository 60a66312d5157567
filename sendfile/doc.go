// Package sendfile sends files to network connections and receives files from
// them with as few copies as the kernel allows, and reports how the bytes went.
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
// [Send] takes any io.ReaderAt and [Receive] any io.WriterAt. Only a *os.File is
// fast: the kernel can move its bytes between page cache and socket without
// passing them through this process. Everything else (bytes.Reader,
// io.SectionReader, a type of your own, even one that embeds *os.File) is copied
// through a pooled buffer by its own ReadAt or WriteAt. Chunks, limits, timeouts,
// cancellation and errors work the same for all of them.
//
// Send takes an absolute offset and a count, and neither uses nor moves the
// file's position, so one open file serves any number of connections at once.
// io.Copy, in contrast, starts at the file's position, and uses sendfile(2) only
// if the types at both ends happen to allow it.
//
// A transfer moves one bounded chunk at a time. Between two chunks a bandwidth
// limit may wait, progress is reported, and cancellation is checked.
//
// # Methods
//
//	method        from           to             how
//	Sendfile      regular file   stream socket  sendfile(2): Linux, FreeBSD, DragonFly BSD, macOS, illumos, Solaris
//	TransmitFile  regular file   stream socket  TransmitFile: Windows
//	Splice        stream socket  regular file   splice(2) through a pipe: Linux
//	Copy          anything       anything       a pooled buffer in this process
//
// Auto takes the first method of the table that fits. It falls back to Copy when
// the kernel reports, before it has moved a byte, that the method does not work
// between these two: ENOSYS, EINVAL, EOPNOTSUPP, ENOTSUP or EPERM, and on Windows
// ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED and similar errors.
//
// By system:
//
//	GOOS                       Send, Auto                     Receive, Auto
//	linux                      Sendfile                       Splice from 2 MiB on, or if the length is unknown
//	freebsd, dragonfly         Sendfile                       Copy
//	darwin, ios                Sendfile                       Copy
//	illumos, solaris           Sendfile                       Copy
//	windows, server editions   TransmitFile with a timeout    Copy
//	windows, client editions   Copy                           Copy
//	openbsd, netbsd, aix       Copy                           Copy
//
// On every system, a source that is not a regular *os.File (a pipe, a file of
// /proc, any other io.ReaderAt) is copied, and so are bytes for an io.WriterAt
// that is not a *os.File. Options.Method cannot change that.
//
// # Losing the fast methods
//
// A source or destination that wraps a *os.File: the package cannot know what
// the wrapper would do with the bytes. To send a part of a file, pass the file
// with an offset and a count, not an io.SectionReader.
//
// A connection that does not implement syscall.Conn: *tls.Conn, net.Pipe, and
// every wrapper that embeds net.Conn as an interface. The opposite mistake exists
// too: a struct that embeds *net.TCPConn and overrides Write, to count or to
// limit, still implements syscall.Conn, so Send bypasses its Write. For each
// wrapper in your program, check Result.Method in a test.
//
// # Deadlines
//
// If Options.Timeout is set, or the context can end, the transfer sets the write
// deadline (Receive: the read deadline) of the connection and clears it at its
// end. Otherwise deadlines set by the caller apply, except to the method
// TransmitFile.
//
// Options.Timeout limits how long the peer may take nothing, not how long the
// transfer may take. A stall ends at most a sixteenth of it late. Linux reports how
// much the peer has taken (TCP_INFO), and so does Windows 10 from version 1703 on for
// transmissions (SIO_TCP_INFO): there, a peer that slowly drains a full send buffer is
// not mistaken for a stalled one. On Linux that holds for a connection above a socket
// too, such as a *tls.Conn, if its NetConn leads to the socket. Elsewhere the only sign
// of progress is that the system accepts bytes, so little is offered at a time.
//
// After a timeout the send buffer may be full. To close the connection then leaves the
// system to offer its content to the peer for minutes; SetLinger(0) before that resets
// the connection instead.
//
// # Ownership
//
// A transfer closes nothing and keeps nothing. The source of a Send may be shared
// with other transfers. The connection's direction (writing for Send, reading for
// Receive) belongs to the transfer until it returns. To end a transfer early, end
// its context or close the connection.
//
// # Use with io.Copy
//
// A [Section] is a part of a source whose WriteTo calls Send, and a [Conn] counts
// the bytes of a connection without disabling the fast methods.
//
// # Windows
//
// Client editions run two TransmitFile calls at a time, counted over all
// programs, and queue the others. So Auto transmits on server editions only, and
// copies on the others; Options.Method = TransmitFile transmits everywhere.
// Without Options.Timeout Auto copies too, because a transmission ignores
// deadlines that the caller has set on the connection.
//
// Closing a connection ends a transmission on it, and waits up to 50 ms for that.
// After a timeout or the context has cut a transmission short, close the
// connection: the system may have sent more than the Result says.
//
// Receive copies. A Send that waits for a pipe cannot be cancelled, because
// package os gives pipes no deadlines on Windows.
//
// # Design
//
// The loop is portable; a platform only contributes system calls, as a struct of
// functions. The tests replace that struct: one kernel fails its nth call, for
// every n, with EINTR, EAGAIN, ENOSYS, EINVAL, ECONNRESET or EIO, and another
// imitates the quirks of each system's sendfile(2), whose adapters are compiled
// on all systems.
//
// The count given to the kernel never passes the end of the file. Linux would
// hold the last packet back for more data (MSG_MORE), 40 to 200 ms on a
// connection that stays open.
//
// A full send buffer is not a stall. Linux lets a send buffer grow to megabytes
// and reports the socket writable again when a third of it is free, which takes
// minutes at 10 KB/s. So the transfer looks sixteen times within a timeout whether the
// peer has taken anything, which shows as a new end of the room that it has
// announced: into the last of that, less than a packet, the system sends by itself some
// 200 ms later, although the peer has stopped. The first version compared the send
// queues only when the timeout was over, and took up to twice as long.
//
// The amount of unsent data in a socket is left to the kernel. BenchmarkUnsent
// compares this with SO_SNDBUF and TCP_NOTSENT_LOWAT: counting the server's CPU
// time, the untouched socket was the cheapest in eight of nine cases; counting
// the peers' too, no rule was best. On a path of 100 ms (BenchmarkLongPath) a
// fixed send buffer cost most of the throughput.
//
// A low-water mark for receiving (SO_RCVLOWAT) was tried for uploads and rejected:
// it saved less than two runs differ by, and a sender's pause could last longer
// than the wait for it.
//
// On Windows, waiting transmissions share threads of the system's thread pool. A
// thread for each would be a thousand threads for a thousand slow peers.
package sendfile
