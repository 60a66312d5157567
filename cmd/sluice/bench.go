package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sluice/bench"
	"sluice/bench/load"
	"sluice/bench/servers"
)

func benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what zero-copy buys here, and compare this server with others",
		Long: `Measure on this machine what the methods to send a file cost, measure a server
under load, or compare servers. The client runs in this process, the server in
another.

Compare the CPU time of the server per GB (10^9 bytes) or per 100,000 requests:
client and server share the machine, and a rate depends on both. A figure is the
median of several rounds, and ± is the range in which the next run should be.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(benchMethodsCommand(), benchDeprecatedCommand(), benchServeCommand(), benchCompareCommand(), benchChildCommand())
	return cmd
}

// results are the flags for the output of a report.
type results struct {
	json, html, gobench string
	baseline            string
}

func (r *results) flags(cmd *cobra.Command, html string) {
	f := cmd.Flags()
	f.StringVar(&r.json, "json", "", "write the report as JSON to `FILE`, for --baseline")
	f.StringVar(&r.html, "html", html, "write the report with charts to `FILE`; '' writes none")
	f.StringVar(&r.gobench, "gobench", "", "write the figures to `FILE` in the format of Go benchmarks, for benchstat")
	f.StringVar(&r.baseline, "baseline", "", "compare with the report in `FILE`, written by --json; exit with 1 if a figure is worse, or none can be compared")
}

// A benchRun is a measurement under way: its signals and its progress line.
type benchRun struct {
	cmd      *cobra.Command
	results  results
	baseline *bench.Report
	progress *bench.Progress
}

// step shows what is measured next.
func (b *benchRun) step(s servers.Step) { b.progress.Step(s.Done, s.Total, s.What) }

// run measures, and prints and writes the report. The report of an interrupted
// run is printed as far as it goes, and not written.
func (r results) run(cmd *cobra.Command, measure func(*benchRun) (*bench.Report, error)) error {
	b := &benchRun{cmd: cmd, results: r, progress: bench.NewProgress(cmd.ErrOrStderr())}
	// Check the files before minutes are spent.
	for _, file := range []string{r.json, r.gobench, r.html} {
		if err := writable(file); err != nil {
			return usageError{err}
		}
	}
	if r.baseline != "" {
		old, err := readReport(r.baseline)
		if err != nil {
			return usageError{fmt.Errorf("--baseline: %w", err)}
		}
		b.baseline = old
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), endingSignals()...)
	defer stop()
	cmd.SetContext(ctx)

	report, err := measure(b)
	b.progress.Done()
	if report != nil {
		report.Command = load.Redact(strings.Join(os.Args, " "))
		if terr := bench.WriteTable(cmd.OutOrStdout(), report, width(cmd.OutOrStdout())); err == nil {
			err = terr
		}
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted: the report is not complete and was not written")
	case err != nil:
		return err
	}
	return b.write(report)
}

// write writes the files and compares with the baseline.
func (b *benchRun) write(report *bench.Report) error {
	for _, to := range []struct {
		file  string
		write func(io.Writer, *bench.Report) error
	}{
		{b.results.json, bench.WriteJSON},
		{b.results.gobench, bench.WriteGoBench},
		{b.results.html, bench.WriteHTML},
	} {
		if to.file == "" {
			continue
		}
		if err := writeReport(to.file, report, to.write); err != nil {
			return err
		}
		fmt.Fprintf(b.cmd.ErrOrStderr(), "written: %s\n", to.file)
	}
	if b.baseline == nil {
		return nil
	}
	c := bench.Compare(b.baseline, report)
	out := b.cmd.OutOrStdout()
	if err := bench.WriteComparison(out, c, width(out)); err != nil {
		return err
	}
	if len(c.Changes) == 0 {
		return fmt.Errorf("%s has no figure that this run has too: nothing was compared; use a report of the same methods or servers", b.results.baseline)
	}
	if worse := c.Regressions(); len(worse) > 0 {
		return fmt.Errorf("%d figures are worse than in %s", len(worse), b.results.baseline)
	}
	return nil
}

// precisionUsage is the help of --precision.
const precisionUsage = "measure in further rounds until ± of CPU time and rate is within this `PERCENTAGE`"

// checkPrecision returns an error for a precision or a budget of nothing.
func checkPrecision(percent float64, budget time.Duration) error {
	switch {
	case !(percent > 0): // NaN too
		return fmt.Errorf("--precision %v: it must be above 0", percent)
	case budget <= 0:
		return fmt.Errorf("--budget %v: it must be above 0", budget)
	}
	return nil
}

// checkRounds returns an error for fewer than one round.
func checkRounds(rounds int) error {
	if rounds < 1 {
		return fmt.Errorf("--rounds %d: there must be at least one", rounds)
	}
	return nil
}

func readReport(name string) (*bench.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := bench.ReadJSON(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// writable returns why a report cannot be written to that file. It removes the
// file again if it has to create it.
func writable(name string) error {
	info, err := os.Stat(name)
	if name == "" || err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil // opening and closing a pipe would end its reader
	}
	f, openErr := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
	if openErr != nil {
		return openErr
	}
	_ = f.Close()
	if errors.Is(err, fs.ErrNotExist) {
		return os.Remove(name)
	}
	return nil
}

func writeReport(name string, report *bench.Report, write func(io.Writer, *bench.Report) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = write(f, report)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// width returns how many columns a table on w may have.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return 120
}
