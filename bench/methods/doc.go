// Package methods measures what zero-copy buys on this machine: it sends the
// same files, from the page cache or from the disk, to TCP connections by
// sendfile(2), splice(2), mmap(2), io_uring(7), by read and write with buffers
// of several sizes, and through TLS.
//
//	if os.Args[1] == "method-server" {
//		return methods.Serve(ctx, os.Stdin, os.Stdout)
//	}
//	report, err := methods.Run(ctx, methods.Config{Self: []string{os.Args[0], "method-server"}}, nil)
//	...
//	err = bench.WriteTable(os.Stdout, report, 80)
//
// The server supports a minimum of HTTP, with one goroutine for each
// connection, and writes the head of each response in the same way, so methods
// differ only in how they send the body.
//
// # Measurements
//
// A cell is a method with a size, a number of clients and a state of the page
// cache. Before the measurement, a response of each cell is compared with the
// file. Then each cell is measured in nine rounds or more; a round visits the
// cells in a random order.
//
//	cpu-s/GB              processor time of the server, with the threads that the kernel makes for its rings
//	user-s/GB, sys-s/GB   its parts in the program and in the kernel
//	switches/GB           context switches, voluntary or not
//	MB/s                  bodies, of all clients together; 1 MB is 10^6 bytes
//	p50-us, p99-us        time from a request to the last byte of its response
//	calls/GB              system calls of the server, counted once, under strace(1)
//
// Nine rounds are a pilot. Cells whose processor time or rate still varies by
// more than Config.Precision get as many further rounds as that spread calls
// for, until all are within it or Config.Budget is spent. The report names the
// cells that are not.
//
// A cell lacks latencies if a round was too short for each client to finish a
// request, processor time if there is no getrusage(2), and system calls if there
// is no strace.
//
// # Limits
//
// The connections are loopback: no network card fetches the pages by itself, the
// kernel copies once for the receiver, and copies what io_uring would send
// without copying. Some of the receiver's work is charged to the sender. So the
// figures compare methods on one machine, and say little about another.
package methods
