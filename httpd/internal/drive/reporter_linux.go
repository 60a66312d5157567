package drive

import (
	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
)

// reporter passes on the records of the loops, so that no loop waits for a hook or a log.
// A thread gives it those of a turn at once: to wake a goroutine costs as much as a
// response.
type reporter struct {
	full     chan []report
	empty    chan []report // for threads
	ended    chan struct{}
	panicked func(c *netconn.Conn, value any)
}

type report struct {
	conn *netconn.Conn
	rec  live.Record
	hook func(live.Record)
}

const (
	maxBatch   = 128 // records; when a thread has more that nobody takes, workers call the hooks
	maxBatches = 16  // that wait
)

func (r *reporter) start(panicked func(c *netconn.Conn, value any)) {
	r.full, r.empty = make(chan []report, maxBatches), make(chan []report, maxBatches)
	r.ended, r.panicked = make(chan struct{}), panicked
	go func() {
		defer close(r.ended)
		for batch := range r.full {
			for i := range batch {
				r.pass(&batch[i])
			}
			clear(batch)
			select {
			case r.empty <- batch[:0]:
			default:
			}
		}
	}()
}

// pass calls the hooks. A panic ends the connection, as on the other paths.
func (r *reporter) pass(one *report) {
	defer func() {
		if value := recover(); value != nil {
			one.conn.Session().Kill() // not Cut: the connection may be on its way to net/http
			r.panicked(one.conn, value)
		}
	}()
	one.conn.Session().Report(&one.rec, one.hook)
}

// stop waits until all records were passed on. There are no more.
func (r *reporter) stop() {
	close(r.full)
	<-r.ended
}

// report is h1conn.Server.Report of the connections that the thread serves.
func (t *thread) report(c *netconn.Conn, rec live.Record, hook func(live.Record)) bool {
	if len(t.records) == maxBatch && !t.passReports() {
		return false
	}
	if t.records == nil {
		select {
		case t.records = <-t.loop.set.reporter.empty:
		default:
			t.records = make([]report, 0, maxBatch)
		}
	}
	t.records = append(t.records, report{c, rec, hook})
	return true
}

// passReports gives the records of the thread to the reporter, and reports whether that
// has room.
func (t *thread) passReports() bool {
	if len(t.records) == 0 {
		return true
	}
	select {
	case t.loop.set.reporter.full <- t.records:
		t.records = nil
		return true
	default:
		return false
	}
}

// passLastReports waits for room. It is for a thread that ends.
func (t *thread) passLastReports() {
	if len(t.records) > 0 {
		t.loop.set.reporter.full <- t.records
		t.records = nil
	}
}
