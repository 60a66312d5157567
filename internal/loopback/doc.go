// Package loopback sets up listening sockets for clients on the same host, such as a reverse proxy.
//
//	lc := net.ListenConfig{Control: loopback.Control}
//	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:8080")
//
// # Design
//
// BBR spreads packets over time (pacing). Without the queueing discipline fq, which the loopback interface does not have,
// TCP does so by a timer of its own, for almost every packet of 64 KiB. On a virtual machine each timer leaves the guest:
// ranges of 64 KiB and files of 100 MiB cost the server 1.2 and 1.4 times as much CPU time as with Reno, and the ranges of
// nginx twice as much. Nothing is gained, because no queue on the way could fill up. So sockets that listen on a loopback
// address use Reno, which is part of every kernel and allowed to every user (tcp(7)).
//
// Sockets that listen on all addresses keep the congestion control of the system, because most of their clients are
// elsewhere.
package loopback
