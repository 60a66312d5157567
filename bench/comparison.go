package bench

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteComparison writes c for a terminal of width columns: a table for each
// metric, and the regressions again at the end.
func WriteComparison(w io.Writer, c *Comparison, width int) error {
	width = max(width, 40)
	out := bufio.NewWriter(w)
	for _, warning := range c.Warnings {
		_, _ = out.WriteString(wrap("warning: the runs differ: "+plain(warning), width, "  "))
	}
	var units []string
	byUnit := map[string][]Change{}
	for _, ch := range c.Changes {
		if byUnit[ch.Unit] == nil {
			units = append(units, ch.Unit)
		}
		byUnit[ch.Unit] = append(byUnit[ch.Unit], ch)
	}
	for _, unit := range units {
		changes := byUnit[unit]
		title := fmt.Sprintf("%s, %s is better", unit, changes[0].Better)
		if !changes[0].Gates {
			title += ", for information"
		}
		_, _ = out.WriteString("\n" + title + "\n")
		writeChanges(out, changes, width)
	}
	for i, name := range c.OnlyOld {
		if i == 0 {
			_, _ = out.WriteString("\nonly in the old report:\n")
		}
		_, _ = out.WriteString("  " + plain(name) + "\n")
	}
	for i, name := range c.OnlyNew {
		if i == 0 {
			_, _ = out.WriteString("\nonly in the new report:\n")
		}
		_, _ = out.WriteString("  " + plain(name) + "\n")
	}
	writeVerdict(out, c, width)
	return out.Flush()
}

// writeChanges writes a row for each change. Only names are cut to the width.
func writeChanges(out *bufio.Writer, changes []Change, width int) {
	rows := [][]string{{"cell", "old", "new", "ratio", "95 % interval", ""}}
	for _, ch := range changes {
		places := decimals(min(ch.Old.Median, ch.New.Median))
		row := []string{
			plain(ch.Cell),
			fmt.Sprintf("%.*f", places, ch.Old.Median),
			fmt.Sprintf("%.*f", places, ch.New.Median),
			"-", "-", string(ch.Verdict),
		}
		if r := ch.Ratio; r != nil {
			row[3] = fmt.Sprintf("%.2f", r.Value)
			row[4] = fmt.Sprintf("%.2f to %.2f", r.Low, r.High)
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for k, text := range row {
			widths[k] = max(widths[k], utf8.RuneCountInString(text))
		}
	}
	others := 0
	for _, n := range widths[1:] {
		others += len("  ") + n
	}
	widths[0] = min(widths[0], max(width-others, 16))
	for _, row := range rows {
		line := left(cut(row[0], widths[0]), widths[0])
		for k := 1; k < len(row)-1; k++ {
			line += "  " + right(row[k], widths[k])
		}
		_, _ = out.WriteString(strings.TrimRight(line+"  "+row[len(row)-1], " ") + "\n")
	}
}

// writeVerdict writes the summary.
func writeVerdict(out *bufio.Writer, c *Comparison, width int) {
	counts := map[Verdict]int{}
	for _, ch := range c.Changes {
		if ch.Gates {
			counts[ch.Verdict]++
		}
	}
	_, _ = out.WriteString("\n")
	if len(c.Changes) == 0 {
		_, _ = out.WriteString("no figure is in both reports: nothing was compared\n")
		return
	}
	_, _ = out.WriteString(wrap(fmt.Sprintf("%d worse, %d better, %d without a difference beyond the noise, %d unknown (fewer than %d rounds, or zero).",
		counts[Worse], counts[Better], counts[Same], counts[Unknown], enoughRounds), width, ""))
	_, _ = out.WriteString(wrap(fmt.Sprintf("Worse and better: by more than %.0f %%, with a chance of error of %.0f %% for all figures together, and with an interval (Hodges-Lehmann, of the ratio new/old) that excludes 1. Percentiles of latency above the median are for information.",
		tolerance*100, familyError*100), width, ""))
	for _, ch := range c.Regressions() {
		_, _ = out.WriteString(wrap(fmt.Sprintf("REGRESSION %s: %s is %.2f times what it was", plain(ch.Cell), ch.Unit, ch.Ratio.Value), width, "  "))
	}
}
