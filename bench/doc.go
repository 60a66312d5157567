// Package bench holds what a measurement found, and shows it.
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
// tells whether a report is worse than an older one beyond the noise.
//
// It measures nothing. Its folders do, and each can be had without the others:
//
//   - bench/load asks a server and times the answers;
//   - bench/methods measures what zero-copy saves on this machine;
//   - bench/peers starts other servers, to be compared with;
//   - bench/proc starts processes and accounts what they use.
//
// # Limits
//
// Statistics cannot see what all rounds of a run have in common. A machine that
// was busy from the first round to the last, a disk that was full, a neighbour
// on the same host: they move all samples together, the spread stays small,
// and the next run differs by more than this one said. Rounds that visit all
// cells in turn help much, and a second run helps more.
package bench
