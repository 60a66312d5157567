package top

import (
	"cmp"
	"slices"
	"strings"

	"sluice/internal/show"
)

// column is a column of the table. If the terminal is too narrow, the columns with the
// highest rank are left out; rank 0 always stays.
type column struct {
	title    string
	side     show.Side
	minWidth int // so that the other columns do not move when the value changes
	maxWidth int // 0: no limit
	rank     int

	text    func(row) string
	compare func(a, b row) int // nil: cannot be sorted by
}

const (
	barWidth = 6
	minFile  = 14 // width of the file below which another column is left out
)

var columns = []column{
	{title: "ID", side: show.Right, rank: 10, text: row.idText, compare: ascending(row.sessionID)},
	{title: "RATE", side: show.Right, minWidth: 9, text: row.rateText, compare: descending(row.rate)},
	{rank: 6, text: row.barText},
	{title: "DONE", side: show.Right, text: row.doneText, compare: descending(row.done)},
	{title: "ETA", side: show.Right, rank: 4, text: row.etaText, compare: ascending(row.eta)},
	{title: "PROTO", rank: 9, text: row.protocol, compare: ascending(row.protocol)},
	{title: "METHOD", rank: 2, text: plainText(row.method), compare: ascending(row.method)},
	{title: "CAUSE", text: plainText(row.cause), compare: ascending(row.cause)},
	{title: "RTT", side: show.Right, minWidth: 7, rank: 7, text: row.rttText, compare: descending(row.rtt)},
	{title: "RETR", side: show.Right, rank: 8, text: row.retransmitsText, compare: descending(row.retransmits)},
	{title: "USER", rank: 3, maxWidth: 8, text: plainText(row.user), compare: ascending(row.user)},
	{title: "PEER", rank: 1, maxWidth: 15, text: plainText(row.peer), compare: ascending(row.peer)},
	{title: "OP", rank: 5, maxWidth: 6, text: plainText(row.op), compare: ascending(row.op)},
	{title: "FILE", text: plainText(row.file), compare: ascending(row.file)},
}

// plainText returns the text of an untrusted name.
func plainText(name func(row) string) func(row) string {
	return func(r row) string {
		s := name(r)
		return orDash(s == "", func() string { return show.Plain(s) })
	}
}

func ascending[T cmp.Ordered](value func(row) T) func(a, b row) int {
	return func(a, b row) int { return cmp.Compare(value(a), value(b)) }
}

func descending[T cmp.Ordered](value func(row) T) func(a, b row) int {
	return func(a, b row) int { return cmp.Compare(value(b), value(a)) }
}

// order is the column by which rows are sorted.
type order struct {
	column  int // index of a column with compare
	reverse bool
}

// byRate is the initial order.
var byRate = order{column: 1}

func (o order) compare(a, b row) int {
	c := columns[o.column].compare(a, b)
	if o.reverse {
		c = -c
	}
	return cmp.Or(c, cmp.Compare(a.session.ID, b.session.ID)) // equal rows keep their places
}

// next returns the order by the next sortable column, to the right if step is 1, to
// the left if it is -1.
func (o order) next(step int) order {
	for {
		o.column = (o.column + step + len(columns)) % len(columns)
		if columns[o.column].compare != nil {
			return order{column: o.column}
		}
	}
}

// unbounded is the width at which nothing is left out or cut.
const unbounded = 0

// table returns the line of titles and a line for each row, cut at width.
func table(all []row, width int) (titles string, lines []string) {
	cells := make([][]string, len(columns))
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = max(show.Width(c.title), c.minWidth)
		for _, r := range all {
			cell := c.text(r)
			if c.maxWidth > 0 && width != unbounded {
				cell = show.Cut(cell, c.maxWidth)
			}
			cells[i] = append(cells[i], cell)
			widths[i] = max(widths[i], show.Width(cell))
		}
	}
	shown := fit(widths, width)
	line := func(cell func(i int) string) string {
		var b strings.Builder
		for n, i := range shown {
			if n > 0 {
				b.WriteByte(' ')
			}
			text := cell(i)
			if n == len(shown)-1 && width != unbounded {
				text = show.CutLeft(text, width-show.Width(b.String()))
			}
			b.WriteString(show.Pad(text, widths[i], columns[i].side))
		}
		text := strings.TrimRight(b.String(), " ")
		if width != unbounded {
			text = show.Cut(text, width) // even the columns of rank 0 may be too wide
		}
		return text
	}
	for n := range all {
		lines = append(lines, line(func(i int) string { return cells[i][n] }))
	}
	return line(func(i int) string { return columns[i].title }), lines
}

// fit returns the indices of the columns that fit into width, by their rank.
func fit(widths []int, width int) (shown []int) {
	last := len(columns) - 1
	used := min(widths[last], minFile)
	for _, i := range byRank {
		if i != last {
			used += widths[i] + 1
		}
		if used > width && width != unbounded && columns[i].rank > 0 {
			break
		}
		shown = append(shown, i)
	}
	slices.Sort(shown)
	return shown
}

// byRank are the indices of columns by rank.
var byRank = func() []int {
	all := make([]int, len(columns))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(columns[a].rank, columns[b].rank) })
	return all
}()
