package top

import (
	"cmp"
	"slices"
	"strings"

	"sluice/internal/show"
)

// column is one of the table. Where there is not enough room, the one with the
// greatest rank goes away first; the rank 0 stays.
type column struct {
	title string
	side  show.Side
	least int // columns of the terminal, so that others stay where they are while figures change
	most  int // 0: as many as it likes
	rank  int

	text    func(row) string
	compare func(a, b row) int // what comes first; nil: nothing to sort by
}

const (
	barWidth  = 6
	leastFile = 14 // columns that the file has before another column goes away
)

var columns = []column{
	{title: "ID", side: show.Right, rank: 10, text: row.idText, compare: ascending(row.sessionID)},
	{title: "RATE", side: show.Right, least: 9, text: row.rateText, compare: descending(row.rate)},
	{rank: 6, text: row.barText},
	{title: "DONE", side: show.Right, text: row.doneText, compare: descending(row.done)},
	{title: "ETA", side: show.Right, rank: 4, text: row.etaText, compare: ascending(row.eta)},
	{title: "PROTO", rank: 9, text: row.protocol, compare: ascending(row.protocol)},
	{title: "METHOD", rank: 2, text: named(row.method), compare: ascending(row.method)},
	{title: "CAUSE", text: named(row.cause), compare: ascending(row.cause)},
	{title: "RTT", side: show.Right, least: 7, rank: 7, text: row.rttText, compare: descending(row.rtt)},
	{title: "RETR", side: show.Right, rank: 8, text: row.retransmitsText, compare: descending(row.retransmits)},
	{title: "USER", rank: 3, most: 8, text: named(row.user), compare: ascending(row.user)},
	{title: "PEER", rank: 1, most: 15, text: named(row.peer), compare: ascending(row.peer)},
	{title: "OP", rank: 5, most: 6, text: named(row.op), compare: ascending(row.op)},
	{title: "FILE", text: named(row.file), compare: ascending(row.file)},
}

// named is the text of a name, which may hold anything.
func named(name func(row) string) func(row) string {
	return func(r row) string {
		s := name(r)
		return unless(s == "", func() string { return show.Plain(s) })
	}
}

func ascending[T cmp.Ordered](value func(row) T) func(a, b row) int {
	return func(a, b row) int { return cmp.Compare(value(a), value(b)) }
}

func descending[T cmp.Ordered](value func(row) T) func(a, b row) int {
	return func(a, b row) int { return cmp.Compare(value(b), value(a)) }
}

// order is by which column rows are sorted.
type order struct {
	column  int // of columns; it has a compare
	reverse bool
}

// byRate is the order at first.
var byRate = order{column: 1}

func (o order) compare(a, b row) int {
	c := columns[o.column].compare(a, b)
	if o.reverse {
		c = -c
	}
	return cmp.Or(c, cmp.Compare(a.session.ID, b.session.ID)) // rows that are equal stay where they are
}

// next returns the order by the next column that can be sorted by, to the
// right if step is 1 and to the left if it is -1.
func (o order) next(step int) order {
	for {
		o.column = (o.column + step + len(columns)) % len(columns)
		if columns[o.column].compare != nil {
			return order{column: o.column}
		}
	}
}

// unbounded is a width at which nothing is left out or cut.
const unbounded = 0

// table returns the line of titles and one for each row, none longer than
// width.
func table(all []row, width int) (titles string, lines []string) {
	cells := make([][]string, len(columns))
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = max(show.Width(c.title), c.least)
		for _, r := range all {
			cell := c.text(r)
			if c.most > 0 && width != unbounded {
				cell = show.Cut(cell, c.most)
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
			text = show.Cut(text, width) // not even the columns that stay have room
		}
		return text
	}
	for n := range all {
		lines = append(lines, line(func(i int) string { return cells[i][n] }))
	}
	return line(func(i int) string { return columns[i].title }), lines
}

// fit returns which columns have room: those that stay, and of the others, by
// their rank, as many as fit.
func fit(widths []int, width int) (shown []int) {
	last := len(columns) - 1
	used := min(widths[last], leastFile)
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

// byRank are the indices of columns, the most important one first.
var byRank = func() []int {
	all := make([]int, len(columns))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(columns[a].rank, columns[b].rank) })
	return all
}()
