// Package drive runs the Machines of package h1conn: it waits for connections and bytes,
// and sends what the Machines say. It knows sockets, and nothing of the protocol.
//
//	loops, err := drive.Start(config)                 // event loops, on Linux
//	handOver, rest := drive.Serve(server, conn, nil)  // a goroutine for one connection
//
// # Design
//
// A goroutine for each connection looks for input only when the scheduler has nothing
// else to run, so that under load a client waits for milliseconds, and package net makes
// six system calls for each connection that it accepts. A [Loops] has a loop for each
// processor, with its own epoll(7) set and, if it can, its own listening socket. A loop
// accepts a connection, reads the first request and answers it in one turn. A connection
// that ends with its first answer is never in the epoll set.
//
// A loop does only what does not wait. A [h1conn.Machine] with NoWait asks for Work where
// it may wait for a disk, and a part of a file is sent by the loop if it is in the page
// cache (package residence). Everything else goes to a worker, a goroutine that holds the
// connection until that is done, and then returns it through the mailbox of the loop. A
// worker uses the descriptor itself, and waits for events that the loop passes on. A
// connection for net/http leaves the epoll set first, and does not come back.
//
// That is not enough: a disk can hang although a file was in the page cache a moment
// before, and so can a lock. So a thread publishes the number of its present step, and
// [watch] gives a loop to another thread if that does not change for 100 ms. The former
// thread goes on with the one connection, as a worker does. While it serves a connection
// a thread therefore uses nothing of the loop.
//
// Only the loop closes a descriptor, and not while a worker holds the connection. Others
// (Kill, Shutdown) shut the socket down, so that the loop sees an event. An event of a
// connection whose slot has got another one is known by the generation of the slot.
//
// Events are edge-triggered and never changed. So each wait begins with a call that has
// failed with EAGAIN: a short count is not enough, because signals of Go's runtime end
// sendfile(2) early.
//
// Large files are sent in turns of 256 KiB. That is fair, and it is fast: clients of the
// same file stay close together in it, so that its pages stay in the processor's cache.
// Connections that send move to another loop if that has at least two fewer of them.
//
// Calls that cannot wait are made by RawSyscall, and the loop calls the scheduler every
// millisecond or two: it would be interrupted otherwise, see yieldAfter. A loop occupies
// one of GOMAXPROCS, also while it waits for events, until the scheduler notices, so that
// a program with other goroutines should have some more.
//
// Records of responses go to one goroutine, by turns of a loop. If a hook hangs there,
// the workers that then call the hooks themselves hold the connections back.
package drive
