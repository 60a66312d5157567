// Package metrics says what the operating system knows of a process, of a
// socket and of the host, and what holds a connection back. It reads; it never
// changes anything, sleeps, or samples by itself.
//
//	package main
//
//	import (
//		"log"
//
//		"sluice/metrics"
//	)
//
//	func main() {
//		self := metrics.Self()
//		defer self.Close()
//		var s metrics.Snapshot
//		if err := self.Read(&s, metrics.Basic); err != nil {
//			log.Fatal(err)
//		}
//		log.Printf("%d descriptors, %v of user time", s.FDs, s.CPU.User)
//	}
//
// What held a connection back between two moments:
//
//	socket, err := metrics.NewSocket(conn)
//	...
//	err = socket.Sample(&before)
//	...
//	err = socket.Sample(&after)
//	log.Printf("%d bytes have arrived, held back by %v", after.Acked, metrics.Limit(&before, &after))
//
// # Absent is not zero
//
// What a platform does not tell, a kernel does not have, or a user may not see
// is missing from the Have of what was read, and zero there. Supported says what
// to expect of Read. A call that can tell nothing at all fails with
// [ErrNoProcess], or an error that is fs.ErrPermission or errors.ErrUnsupported;
// none of the three ever stands for another.
//
// A percentage, a rate and a cause are functions of two readings, and how far
// these lie apart is the caller's choice.
//
// # By system
//
//	                      linux    darwin      freebsd     openbsd     windows       others
//	a process             yes      yes         yes         in part     yes           of itself
//	Switches, Faults      yes      of itself   of itself   of itself   no            of itself
//	State                 yes      yes         yes         yes         no            of itself
//	FDs                   yes      yes         no          no          handles       no
//	IO                    yes      IOBytes     no          no          IOOps|IOChars no
//	Footprint             yes      no          no          no          no            no
//	Environ               yes      yes         no          no          yes           no
//	OpenFiles             yes      no          no          no          yes           no
//	Limits                yes      of itself   of itself   of itself   no            of itself
//	Threads               yes      no          no          no          no            no
//	Socket.Sample         yes      yes         yes         no          from 10 1703  no
//	Limit                 yes      no          no          no          from 10 1703  no
//	Socket.Backlog        yes      no          no          no          no            no
//	Connections           yes      by lsof     by lsof     no PID      yes           no
//	... with TCP          yes      no          no          no          no            no
//	Peer                  yes      no          no          no          no            no
//	Memory, Swap, CPUs    yes      yes         yes         yes         yes           in part
//	... of a cgroup       yes      -           -           -           -             -
//	Disks                 yes      yes         yes         counts      yes           in part
//	Interfaces            yes      yes         yes         yes         yes           yes
//	Services              -        -           -           -           yes           -
//
// On Linux the package asks the kernel itself. Elsewhere it asks gopsutil,
// and leaves out what that fills in with zeros. openbsd tells neither when a
// process was started, so that a PID that was given away is not noticed, nor
// how many threads it has. A socket of darwin has RTT, RTO, Cwnd, Ssthresh,
// MSS, both windows, Sent, Received and what was sent again; one of freebsd RTT,
// RTO, Cwnd, Ssthresh, MSS, SendWindow, Retransmits, RecvSpace and
// RecvReordered.
//
// # What it costs
//
// On Linux Socket.Sample is one system call and allocates nothing, but it
// waits for the socket's lock. Self().Read of Basic makes seven system calls,
// that of another process ten, and neither allocates. Connections walks the
// kernel's table of sockets once, and allocates the same for ten sockets as for
// ten thousand.
//
// # Privileges
//
// Any user sees all sockets, with their TCP_INFO. IO, Footprint, Environ,
// OpenFiles and the PIDs of sockets are told of processes of the same user; of
// others root alone may ask, and in some containers not even root.
package metrics
