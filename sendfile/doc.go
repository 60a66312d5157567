// Package sendfile moves files to sockets, and sockets to files, by the
// shortest method through the kernel, and says which method it was.
//
//	f, err := os.Open("big.iso")
//	...
//	res, err := sendfile.Send(ctx, conn, f, 0, -1, &sendfile.Options{Timeout: time.Minute})
//	log.Printf("%d bytes by %s, %d of them zero-copy: %v", res.Sent, res.Method, res.ZeroCopied, err)
//
// Unlike io.Copy, which finds sendfile(2) by luck and uses the file's
// position, Send takes an absolute offset and a count and leaves the position
// alone: one open file serves any number of connections at once. A transfer
// goes in bounded chunks, between which a bandwidth limit may wait, progress
// is told, and cancellation is looked at. A timeout bounds a stall rather than
// the transfer.
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
// A source that is no regular file, such as a pipe or a file of /proc, is
// copied everywhere.
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
// A transfer closes nothing and keeps nothing. The file may be shared, with
// other transfers too; the connection's direction is the transfer's own until
// it returns. To end a transfer from outside, end its context or close the
// connection.
//
// # Behind io.Copy
//
// A [Section] is a part of a file whose WriteTo is Send, and a [Conn] counts
// the bytes of a connection without losing the fast paths.
//
// # What disables the fast path
//
// A destination that does not implement syscall.Conn: *tls.Conn, net.Pipe,
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
