// Package methods measures what zero-copy buys on this machine: the same files,
// sent from the page cache or from the disk to TCP connections by sendfile(2),
// splice(2), mmap(2), io_uring(7), by read and write with buffers of several
// sizes, and through TLS.
//
//	if os.Args[1] == "method-server" {
//		return methods.Serve(ctx, os.Stdin, os.Stdout)
//	}
//	report, err := methods.Run(ctx, methods.Config{Self: []string{os.Args[0], "method-server"}}, nil)
//	...
//	err = bench.WriteTable(os.Stdout, report, 80)
//
// The server speaks the least HTTP that there is, with one goroutine for each
// connection, and writes the head of each response in the same way. So what
// differs from one method to the next is how the body goes.
//
// # What is measured
//
// Each cell, a method with a size, a number of clients and a state of the page
// cache, is measured in several rounds. A round visits all cells in another
// order. A response of each is compared with the file before that.
//
//	MB/s                  bodies, of all clients together; 1 MB is 10^6 bytes
//	cpu-s/GB              processor time of the server, and of the threads that the kernel makes for its rings
//	user-s/GB, sys-s/GB   of the program, of the kernel
//	switches/GB           of context, voluntary or not
//	p50-us, p99-us        time from a request to its last byte
//	calls/GB              system calls of the server, in a pass of its own under strace(1)
//
// What a cell cannot tell is left out: latencies where a window was too short
// for each client to finish a request, processor time where there is no
// getrusage(2), system calls where there is no strace.
//
// # Limits
//
// The connections are loopback: no method finds a network card that fetches the
// pages by itself, the kernel copies once for the receiver, and copies what
// io_uring would send without. Some of the receiver's work is done on the time
// of the sender. So figures compare methods on one machine, and say little about
// another.
package methods
