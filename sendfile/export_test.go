package sendfile

import (
	"context"
	"io"
	"net"
	"os"
	"sync/atomic"
)

// Faults is a kernel that fails its nth call, for tests.
type Faults struct {
	Nth  int64  // which call fails, counted from 1 over all calls
	Err  error  // with what
	Only string // count and fail only calls of this name; empty: all
	Hook func() // if not nil, called when it does

	Calls  atomic.Int64 // calls made
	Failed string       // name of the call that failed; empty: none yet
}

func (f *Faults) fails(name string) bool {
	if f.Only != "" && f.Only != name || f.Calls.Add(1) != f.Nth {
		return false
	}
	f.Failed = name
	if f.Hook != nil {
		f.Hook()
	}
	return true
}

func (f *Faults) kernel() *kernel {
	k := system
	if system.sendfile != nil {
		k.sendfile = func(socket, file uintptr, off *int64, n int) (int, error) {
			if f.fails("sendfile") {
				return -1, f.Err
			}
			return system.sendfile(socket, file, off, n)
		}
	}
	if system.splice != nil {
		k.splice = func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error) {
			name := "splice in"
			if toOff != nil {
				name = "splice out"
			}
			if f.fails(name) {
				return -1, f.Err
			}
			return system.splice(from, fromOff, to, toOff, n)
		}
	}
	if system.write != nil {
		k.write = func(socket uintptr, p []byte) (int, error) {
			if f.fails("write") {
				return -1, f.Err
			}
			return system.write(socket, p)
		}
		k.read = func(socket uintptr, p []byte) (int, error) {
			if f.fails("read") {
				return -1, f.Err
			}
			return system.read(socket, p)
		}
	}
	if system.hold != nil {
		k.hold = func(socket uintptr, p []byte) (int, error) {
			if f.fails("hold") {
				return -1, f.Err
			}
			return system.hold(socket, p)
		}
	}
	k.readAt = func(source io.ReaderAt, p []byte, off int64) (int, error) {
		if f.fails("pread") {
			return 0, f.Err
		}
		return system.readAt(source, p, off)
	}
	k.writeAt = func(target io.WriterAt, p []byte, off int64) (int, error) {
		if f.fails("pwrite") {
			return 0, f.Err
		}
		return system.writeAt(target, p, off)
	}
	return &k
}

// SendWithFaults is Send on the kernel f describes.
func SendWithFaults(ctx context.Context, dst net.Conn, src io.ReaderAt, off, n int64, opt *Options, f *Faults) (Result, error) {
	return send(ctx, dst, src, off, n, opt, f.kernel())
}

// ReceiveWithFaults is Receive on the kernel f describes.
func ReceiveWithFaults(ctx context.Context, dst io.WriterAt, src net.Conn, off, n int64, opt *Options, f *Faults) (Result, error) {
	return receive(ctx, dst, src, off, n, opt, f.kernel())
}

// SendSeen is Send that shows seen the offset and count of each sendfile(2).
func SendSeen(ctx context.Context, dst net.Conn, src *os.File, off, n int64, opt *Options, seen func(off int64, n int)) (Result, error) {
	k := system
	k.sendfile = func(socket, file uintptr, off *int64, n int) (int, error) {
		seen(*off, n)
		return system.sendfile(socket, file, off, n)
	}
	return send(ctx, dst, src, off, n, opt, &k)
}

// SendfileCall is sendfile(2) of some system.
type SendfileCall = func(socket, file int, off *int64, n int) (int, error)

// SendByStepOf is Send with the step of the named system, made of call.
func SendByStepOf(system string, call SendfileCall, ctx context.Context, dst net.Conn, src *os.File, off, n int64, opt *Options) (Result, error) {
	k := kernelWithStep(system, call)
	return send(ctx, dst, src, off, n, opt, &k)
}

func kernelWithStep(name string, call sendfileCall) kernel {
	k := system
	switch name {
	case "linux":
		k.sendfile = call.linux
	case "freebsd", "dragonfly":
		k.sendfile = call.bsd
	case "darwin":
		k.sendfile = call.darwin
	case "illumos", "solaris":
		k.sendfile = call.solaris
	default:
		panic("no step for " + name)
	}
	return k
}

// WriteWithFaults is Write on the kernel f describes.
func WriteWithFaults(ctx context.Context, dst net.Conn, p []byte, opt *Options, f *Faults) (Result, error) {
	return write(ctx, dst, p, opt, f.kernel())
}

// SendBlind is Send where the send queue cannot be seen.
func SendBlind(ctx context.Context, dst net.Conn, src io.ReaderAt, off, n int64, opt *Options) (Result, error) {
	k := system
	k.queued = nil
	return send(ctx, dst, src, off, n, opt, &k)
}

// ReceiveOnto is Receive onto a disk that calls disk before each write.
func ReceiveOnto(disk func(), ctx context.Context, dst *os.File, src net.Conn, off, n int64, opt *Options) (Result, error) {
	k := system
	k.writeAt = func(target io.WriterAt, p []byte, off int64) (int, error) {
		disk()
		return system.writeAt(target, p, off)
	}
	if system.splice != nil {
		k.splice = func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error) {
			if toOff != nil {
				disk()
			}
			return system.splice(from, fromOff, to, toOff, n)
		}
	}
	return receive(ctx, dst, src, off, n, opt, &k)
}
