package load

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// An alarm wakes a goroutine at an exact time. It is a timerfd in the poller of
// the runtime: the timers of the runtime itself are rounded up to a millisecond
// on a thread that waits in epoll_wait.
type alarm struct {
	file *os.File // nil if there are no more descriptors
	stop func() bool
	ctx  context.Context
}

// newAlarm returns an alarm that does not wait any more once ctx has ended.
func newAlarm(ctx context.Context) *alarm {
	a := &alarm{ctx: ctx, stop: func() bool { return true }}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err == nil {
		a.file = os.NewFile(uintptr(fd), "timerfd")
		a.stop = context.AfterFunc(ctx, func() { _ = a.file.SetReadDeadline(time.Unix(1, 0)) })
	}
	return a
}

// sleep waits for d, which is more than 0. It returns false if ctx ended.
func (a *alarm) sleep(d time.Duration) bool {
	if a.file == nil {
		return sleep(a.ctx, d)
	}
	raw, err := a.file.SyscallConn()
	if err != nil {
		return sleep(a.ctx, d)
	}
	_ = raw.Control(func(fd uintptr) {
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
		err = unix.TimerfdSettime(int(fd), 0, &spec, nil)
	})
	var expirations [8]byte
	if err == nil {
		_, err = a.file.Read(expirations[:])
	}
	return err == nil
}

func (a *alarm) close() {
	a.stop()
	if a.file != nil {
		_ = a.file.Close()
	}
}
