// Package bench holds the figures of a measurement, and shows them.
//
//	report := &bench.Report{Title: "methods", Kind: "method", Host: bench.ThisHost()}
//	report.Cells = append(report.Cells, bench.Cell{
//		Subject: "sendfile",
//		Params:  []bench.Pair{{Name: "size", Value: "1MiB"}},
//		Metrics: []bench.Metric{{Unit: "MB/s", Better: bench.Higher, Samples: perRound}},
//	})
//	err := bench.WriteTable(os.Stdout, report, 80)
//
// A Report is a matrix of cells. Each cell is one subject, a method or a server,
// under one set of parameters, and has a sample of each metric for each round.
// The package writes a report as text for a terminal, as JSON, in the format of
// Go's benchmarks for benchstat, and as one HTML file with charts. Compare
// compares a report with an older one, and finds figures that are worse beyond
// the noise. ClaimOf does the same for two cells of a report, for its answer.
//
// It measures nothing itself. The packages below it do, and each can be used
// without the others:
//
//   - bench/load sends requests to a server and times the responses;
//   - bench/methods measures what zero-copy buys on this machine;
//   - bench/servers measures and compares servers;
//   - bench/peers starts other servers to compare with;
//   - bench/proc starts processes and accounts what they use.
//
// # Design
//
// A bench compares the cost of a server, not its speed. On loopback client and
// server share a machine, and a rate depends on both. So the main figure is the
// processor time of all processes of the server per GB or per 100,000 requests,
// with client and server on processors of their own if there are two.
//
// Rounds are the outer loop, so that other work of the machine meets all
// subjects alike and shows as spread. The ± of a figure holds the median of a
// second run of as many rounds with a chance of 95 %, without an assumption about
// the distribution. That takes nine rounds; with fewer it is the range of all
// rounds, and the legend says so.
//
// Charts are SVG of our own, without scripts or fonts: bars with names, and lines
// in at most seven colours a chart. A library for them was a quarter of the
// program.
//
// # Limits
//
// Statistics cannot see an influence that all rounds of a run have in common: a
// machine that was busy from the first round to the last, a full disk, another
// virtual machine on the same host. It moves all samples together, the spread
// stays small, and the next run differs by more than ±. A second run helps.
package bench
