package control

// The room of a Queue.
const (
	maxLines = 64
	maxBytes = 2 * MaxLine
)

// Queue keeps lines whose turn has not come, in order. The zero value is empty.
type Queue struct {
	lines []string
	bytes int // in them
}

// Push puts line at the end. A full queue still takes one line: stop reading when
// IsFull reports true.
func (q *Queue) Push(line string) {
	q.lines = append(q.lines, line)
	q.bytes += len(line)
}

// Pop takes the first line; ok is false if there is none.
func (q *Queue) Pop() (line string, ok bool) {
	if len(q.lines) == 0 {
		return "", false
	}
	line = q.lines[0]
	q.bytes -= len(line)
	if q.lines = q.lines[1:]; len(q.lines) == 0 {
		q.lines = nil // most clients never fill it again
	}
	return line, true
}

// IsEmpty reports whether there is no line.
func (q *Queue) IsEmpty() bool { return len(q.lines) == 0 }

// IsFull reports whether there is room for no other line.
func (q *Queue) IsFull() bool { return len(q.lines) >= maxLines || q.bytes >= maxBytes }
