// Package metrics reads what the operating system knows about a process, a socket
// and the host, and names what slows a connection down. It only reads: it changes
// nothing and takes no samples of its own. Nothing sleeps but [Process.Wait] and
// [WaitAll].
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
// To see what limits a connection, take two samples:
//
//	socket, err := metrics.NewSocket(conn)
//	...
//	err = socket.Sample(&before)
//	...
//	err = socket.Sample(&after)
//	log.Printf("%d bytes have arrived, limited by %v", after.Acked, metrics.Limit(&before, &after))
//
// A reading is a value. Percentages, rates and causes are functions of two
// readings; the caller chooses the time between them. The package keeps no
// history and starts no goroutine.
//
// # Absent is not zero
//
// A value is absent if the platform or kernel does not report it, or the user may
// not see it. An absent value is zero, and the Have of its struct lacks its bit.
// [Supported] returns the groups that Read can fill in on this system. If a call
// can return nothing at all, its error is [ErrNoProcess], or one for which
// errors.Is reports fs.ErrPermission or errors.ErrUnsupported. None of the three
// is ever returned in place of another.
//
// # Platforms
//
//	                      linux    darwin      freebsd     openbsd     windows       others
//	a process             yes      yes         yes         in part     yes           itself
//	Switches, Faults      yes      itself      itself      itself      no            itself
//	State                 yes      yes         yes         yes         no            itself
//	FDs                   yes      yes         no          no          handles       no
//	IO                    yes      IOBytes     no          no          IOOps|IOChars no
//	Footprint             yes      no          no          no          no            no
//	Environ               yes      yes         no          no          yes           no
//	OpenFiles             yes      no          no          no          yes           no
//	Limits                yes      itself      itself      itself      no            itself
//	Threads               yes      no          no          no          no            no
//	Nice                  yes      yes         yes         yes         no            yes
//	Affinity, IOPriority  yes      no          no          no          no            no
//	MemoryMaps            yes      no          no          no          no            no
//	Wait                  yes      by looking  by looking  by looking  by looking    no
//	Socket.Sample         yes      yes         yes         no          from 10 1703  no
//	Limit                 yes      no          no          no          from 10 1703  no
//	Socket.Backlog        yes      no          no          no          no            no
//	Connections           yes      by lsof     by lsof     no PID      yes           no
//	... with TCP          yes      no          no          no          no            no
//	... of UDP            yes      by lsof     by lsof     no PID      yes           no
//	UnixSockets           yes      no          no          no          no            no
//	Peer                  yes      no          no          no          no            no
//	Memory, Swap, CPUs    yes      yes         yes         yes         yes           in part
//	... of a cgroup       yes      -           -           -           -             -
//	CPU                   all      Nice        Nice, IRQ   Nice, IRQ   yes           in part
//	TCP                   yes      no          no          no          no            no
//	Users                 yes      yes         yes         yes         no            in part
//	Disks                 yes      yes         yes         counts      yes           in part
//	Interfaces            yes      yes         yes         yes         yes           yes
//	Services              -        -           -           -           yes           -
//
// "itself" means that only this process is covered, not others. On Linux the
// package asks the kernel. Elsewhere it asks gopsutil, and drops the values that
// gopsutil sets to zero because it does not know them. openbsd does not report
// when a process started, so a reused PID goes unnoticed, nor the number of
// threads. A sample of a socket has, on darwin, RTT, RTO, Cwnd, Ssthresh, MSS,
// both windows, Sent, Received, Retransmits and Retransmitted; and on freebsd
// RTT, RTO, Cwnd, Ssthresh, MSS, SendWindow, Retransmits, RecvSpace and
// RecvReordered.
//
// # Privileges
//
// Every user sees all sockets with their TCP_INFO. IO, Footprint, Environ,
// OpenFiles, MemoryMaps and the PIDs of sockets are available for processes of the same user;
// for others only to root, and in some containers not even to root. So are the
// sockets of a process in another network namespace, which takes CAP_SYS_ADMIN too.
//
// # Cost
//
// On Linux, Socket.Sample makes one system call and allocates nothing, but waits
// for the socket's lock. Read of Basic makes seven system calls for a handle of
// Self and ten for another process, and allocates nothing. Connections walks the
// kernel's table of sockets once, and allocates the same for ten sockets as for
// ten thousand.
//
// # Design
//
// Files without a suffix declare the types and their contracts, and are portable.
// On Linux, files ending in _linux.go read /proc and sock_diag(7); each parser is
// a function of bytes. Other systems use gopsutil, and what it lacks: getrusage(2),
// TCP_INFO of three systems, Windows services. gopsutil does not compile for
// netbsd/386 and openbsd/ppc64, where only getrusage(2) is available.
//
// A Process holds /proc/PID open as a directory. When the process has ended, that
// directory returns ESRCH, even after the PID belongs to another process. Files are
// opened relative to it with constant names and read into pooled buffers; x/sys
// would allocate a copy of each name.
//
// Read goes through a table of sources and reads each at most once. A source that
// is refused or missing makes its groups absent.
//
// Context switches are not in Basic, because Linux reports those of another
// process thread by thread, 3 µs each. /proc/PID/status counts only the first
// thread, a small part of a Go program. For this process getrusage(2) has all of
// them.
//
// Descriptors are counted by the size of /proc/PID/fd, which is their number since
// Linux 6.2. The package checks that with its own process, and reads the directory
// if it is not so, or if Host.Proc is a copy.
//
// The package decodes TCP_INFO itself, because x/sys hides how much of it the
// kernel has filled in, and so which values an old kernel lacks. A test compares
// each offset with the kernel's description of its types (BTF).
//
// Limit chooses the longest part of the time between two samples. The kernel
// measures idle time, the receiver's window and the send buffer, and counts the
// rest as the path. That is wrong in two cases, which Limit corrects when the
// kernel has sent everything and could send more: pauses between small writes are
// the application's, and a full send buffer, which the kernel notices only if it
// holds more than was sent at once, is read by SO_MEMINFO.
//
// Connections uses the older request of sock_diag, TCPDIAG_GETSOCK, as ss(8) does:
// it covers both versions of IP in one walk of the kernel's table. The kernel
// filters states and the port. PIDs need the descriptors of all processes, and are
// looked up only on request. UDP and unix sockets have requests of their own, with
// the filter of states in the kernel too.
//
// A socket of sock_diag belongs to the network namespace in which it was opened. To
// list the sockets of a process elsewhere, a thread enters that namespace only to
// open one.
//
// Wait polls a pidfd with the runtime's poller, so that no thread waits.
//
// In tests, every system call of the Linux files fails once with each of several
// errors, and answers are cut short, cleared and garbled: values that are present
// must stay right, and errors must not be taken for each other. Archives of /proc,
// /sys and sock_diag from Linux 5.10, 6.1, 6.12 and 7.2, recorded by
// testdata/record, show what other kernels say.
package metrics
