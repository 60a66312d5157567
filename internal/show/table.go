package show

import "strings"

// A Column is a column of a Table.
type Column struct {
	Title string
	Side  Side
}

// Table returns the rows under their titles, in columns as wide as necessary with two
// spaces between them. The last column is not padded.
func Table(columns []Column, rows [][]string) string {
	widths := make([]int, len(columns))
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i], widths[i] = c.Title, Width(c.Title)
		for _, row := range rows {
			widths[i] = max(widths[i], Width(row[i]))
		}
	}
	var b strings.Builder
	for _, row := range append([][]string{titles}, rows...) {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(Pad(cell, widths[i], columns[i].Side))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// Bar returns a bar of width columns, filled to part, from 0 to 1, in eighths of a
// column.
func Bar(part float64, width int) string {
	eighths := int(min(max(part, 0), 1) * float64(8*width))
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string(rune('█' + 8 - rest)) // U+2588 full, U+258F an eighth
	}
	return bar + strings.Repeat("·", width-Width(bar))
}

// CutLines cuts each line at width columns; 0 cuts nothing.
func CutLines(text string, width int) string {
	if width == 0 {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(Cut(strings.TrimSuffix(line, "\n"), width) + "\n")
	}
	return b.String()
}
