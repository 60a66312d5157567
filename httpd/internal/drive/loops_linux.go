package drive

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Loops serve the connections of listening sockets.
type Loops struct {
	config    Config
	start     time.Time
	all       []*loop
	isShared  bool         // all loops accept from all sockets
	accepting atomic.Int64 // loops that accept
	spare     Spare
	watch     watch
	deferral  deferral
	reporter  reporter
	running   sync.WaitGroup // the loops
	ended     sync.Once
	handing   sync.WaitGroup // goroutines that give connections to net/http
}

// Start starts Loops. They end by BeginDrain or Cut. If Start fails, the sockets are as before.
func Start(config Config) (*Loops, error) {
	s := &Loops{config: config, start: time.Now().Add(-time.Second)}
	s.isShared = len(config.Sockets) < config.Loops
	for id := range config.Loops {
		l, err := s.newLoop(id)
		s.all = append(s.all, l)
		if err != nil {
			s.closeAll()
			return nil, err
		}
	}
	s.setDeferAccept(true)
	s.spare.Take()
	s.reporter.start(config.Panicked)
	s.watch.start(s)
	s.running.Add(len(s.all))
	s.accepting.Store(int64(len(s.all)))
	for _, l := range s.all {
		l.begin()
	}
	return s, nil
}

func (s *Loops) newLoop(id int) (l *loop, err error) {
	l = &loop{set: s, ep: -1, events: make([]unix.EpollEvent, maxEvents)}
	l.mail.event = -1
	if l.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return l, os.NewSyscallError("epoll_create1", err)
	}
	if l.mail.event, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return l, os.NewSyscallError("eventfd", err)
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: ofMail}
	if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, l.mail.event, &ev); err != nil {
		return l, os.NewSyscallError("epoll_ctl", err)
	}
	for i, fd := range s.config.Sockets {
		if s.isShared || i%s.config.Loops == id {
			l.listeners = append(l.listeners, fd)
		}
	}
	return l, l.listen()
}

// listen makes the loop accept connections.
func (l *loop) listen() error {
	events := uint32(unix.EPOLLIN)
	if l.set.isShared {
		events |= unix.EPOLLEXCLUSIVE // a connection wakes one loop, not all
	}
	for _, fd := range l.listeners {
		ev := unix.EpollEvent{Events: events, Fd: ofListener, Pad: int32(fd)}
		if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return fmt.Errorf("watch a listening socket: %w", err)
		}
	}
	return nil
}

// begin gives the loop a new thread.
func (l *loop) begin() {
	t := &thread{loop: l, server: *l.set.config.Server}
	t.server.Report = t.report
	l.thread.Store(t)
	go t.run()
}

// closeAll closes what was opened. Descriptors that were not are -1.
func (s *Loops) closeAll() {
	for _, l := range s.all {
		_ = unix.Close(l.ep)
		_ = unix.Close(l.mail.event)
	}
}

// leastLoaded returns the loop that takes a new connection, which l has accepted: l,
// unless another one has a quarter less to do.
func (s *Loops) leastLoaded(l *loop) *loop {
	if len(s.all) == 1 {
		return l
	}
	best, least := l, l.load.Load()
	own := least
	for _, other := range s.all {
		if load := other.load.Load(); load < least {
			best, least = other, load
		}
	}
	if own-least < own/4+uneven {
		return l
	}
	return best
}

// uneven is a difference in connections that does not matter.
const uneven = 8

// Stats describes the loops, in their order. It may be called at any time.
func (s *Loops) Stats() []LoopStats {
	all := make([]LoopStats, len(s.all))
	for i, l := range s.all {
		all[i] = LoopStats{
			Loop: i, Connections: int(l.load.Load()), Sending: int(l.busy.Load()),
			Accepted: l.counts.accepted.Load(), Silent: l.counts.silent.Load(), Turns: l.counts.turns.Load(),
			Worked: l.counts.worked.Load(), Replaced: l.counts.replaced.Load(),
		}
	}
	return all
}

// StopAccepting makes the loops accept what has come, and then nothing more.
func (s *Loops) StopAccepting() { s.post(message{kind: stopAccepting}) }

func (s *Loops) post(m message) {
	for _, l := range s.all {
		l.mail.post(m)
	}
}

// BeginDrain ends the idle connections now, and the others after their present
// response. The Closing of the Server must be set.
func (s *Loops) BeginDrain() { s.post(message{kind: drain}) }

// Cut cuts all connections, and waits for what is done for them.
func (s *Loops) Cut() {
	s.BeginDrain()
	s.post(message{kind: cut})
	_ = s.Wait(context.Background())
}

// Wait waits, after BeginDrain, until all connections have ended or were handed over, or
// until ctx ends, and then returns the error of ctx.
func (s *Loops) Wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		s.handing.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.ended.Do(func() {
		s.watch.stop()
		s.reporter.stop()
		s.spare.Close()
	})
	return nil
}
