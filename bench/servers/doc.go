// Package servers measures file servers as their clients: one that runs already,
// or several in turn.
//
//	report, err := servers.Compare(ctx, servers.Config{
//		Peers: peers.All("http"), Workloads: servers.HTTP(), Self: []string{os.Args[0]},
//	})
//
// In a comparison all servers run from beginning to end, on the same files and the
// same processors, and take turns: each round visits every workload, and in each
// workload every server. So other work of the machine meets all of them, and shows
// in the spread of a figure instead of in its median. Nine rounds are a pilot:
// cells that are not precise enough get more, see Config.Precision.
//
// The cost of a server is the processor time of all its processes. It says more
// than the speed: on loopback client and server share a machine, and a rate
// depends on both. The client runs in this process; if there are two processors or
// more, servers and client are kept on different ones.
package servers
