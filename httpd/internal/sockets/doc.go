// Package sockets makes the listening sockets of event loops. The poller of the
// runtime does not watch them: it would wake a thread for each connection.
//
//	lc := net.ListenConfig{Control: sockets.Control(false)}
//	ln, err := lc.Listen(ctx, "tcp", ":8080")
//	first, err := sockets.Detach(ln)
//	more, err := sockets.Siblings(first, 3) // four sockets, on one address
//	err = sockets.StartListening(more)
//
// On systems without event loops, Supported is false and functions that can fail
// return errors.ErrUnsupported.
//
// # Design
//
// Package net makes the first socket, so that names, families, the backlog and errors
// are those of net.Listen. That socket gets SO_REUSEPORT only once it listens: until
// then the kernel gives an address to no two sockets, so that a second server fails
// with EADDRINUSE, also one that starts at the same moment. socket(7) wants the option
// before bind(2); Linux looks at it when the next socket is bound.
//
// Siblings are bound at once, because a port below 1024 needs a right that the process
// may give up, but the kernel gives them no connections until they listen. So nothing
// is lost if they are closed before, because the server does without event loops.
//
// TCP_DEFER_ACCEPT saves the wait for a request after accept(2). Clients that send nothing
// then stay in the queue of half-open connections for a second, where a flood of them may
// leave no room for others: see HalfOpen.
//
// Accepted sockets inherit the options of the listening socket. That saves the system
// calls by which package net sets the same options on each connection.
package sockets
