// Package servers measures file servers by the wire: one that runs already,
// or several side by side.
//
//	report, err := servers.Compare(ctx, servers.Config{
//		Scheme: "http", Peers: peers.All("http"), Workloads: servers.HTTP(), Rounds: 5,
//	}, nil)
//
// In a comparison all servers run from beginning to end, on the same files
// and the same processors, and take turns: each round visits every workload,
// and in each workload every server. So whatever else the machine does meets
// all of them, and shows in the spread of a figure instead of in its median.
//
// What a server costs is the processor time of all its processes, which says
// more than its speed: on loopback client and server share a machine, and a
// rate tells about both. The client runs in this process; where there are two
// processors or more, servers and client are kept on different ones.
package servers
