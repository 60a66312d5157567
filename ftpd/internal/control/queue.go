package control

// The capacity of a Queue.
const (
	maxLines = 64
	maxBytes = 2 * MaxLine
)

// Queue keeps lines that cannot run yet, in order. The zero value is empty.
type Queue struct {
	lines []string
	bytes int // total length of lines
}

// Push appends line, even to a full queue. Stop reading lines while IsFull reports true.
func (q *Queue) Push(line string) {
	q.lines = append(q.lines, line)
	q.bytes += len(line)
}

// Pop removes and returns the first line; ok is false if the queue is empty.
func (q *Queue) Pop() (line string, ok bool) {
	if len(q.lines) == 0 {
		return "", false
	}
	line = q.lines[0]
	q.bytes -= len(line)
	if q.lines = q.lines[1:]; len(q.lines) == 0 {
		q.lines = nil // frees the memory: most clients never need it again
	}
	return line, true
}

// IsEmpty reports whether the queue has no line.
func (q *Queue) IsEmpty() bool { return len(q.lines) == 0 }

// IsFull reports whether the queue has reached its capacity.
func (q *Queue) IsFull() bool { return len(q.lines) >= maxLines || q.bytes >= maxBytes }
