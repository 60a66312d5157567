package sendfile

import (
	"context"
	"io"
	"net"
	"os"
	"sync/atomic"
)

// Faults describes a kernel whose nth call fails.
type Faults struct {
	Nth  int64  // which call fails, counted from 1; 0: none
	Err  error  // the error of that call
	Only string // count and fail only calls of this name; empty: all
	Hook func() // if not nil, called when the call fails

	Calls  atomic.Int64 // calls made so far
	Failed string       // name of the call that failed; empty: none so far
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

// kernel returns the system's kernel with calls that may fail. The names of the calls are
// sendfile, splice in, splice out, write, writeMore, read, pread and pwrite.
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
	if system.writeMore != nil {
		k.writeMore = func(socket uintptr, p []byte) (int, error) {
			if f.fails("writeMore") {
				return -1, f.Err
			}
			return system.writeMore(socket, p)
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

// SendWithFaults is Send on the kernel that f describes.
func SendWithFaults(ctx context.Context, dst net.Conn, src io.ReaderAt, off, n int64, opt *Options, f *Faults) (Result, error) {
	return send(ctx, dst, src, off, n, opt, f.kernel())
}

// ReceiveWithFaults is Receive on the kernel that f describes.
func ReceiveWithFaults(ctx context.Context, dst io.WriterAt, src net.Conn, off, n int64, opt *Options, f *Faults) (Result, error) {
	return receive(ctx, dst, src, off, n, opt, f.kernel())
}

// SendObserved is Send that calls observe with the offset and count of each sendfile(2).
func SendObserved(ctx context.Context, dst net.Conn, src *os.File, off, n int64, opt *Options, observe func(off int64, n int)) (Result, error) {
	k := system
	k.sendfile = func(socket, file uintptr, off *int64, n int) (int, error) {
		observe(*off, n)
		return system.sendfile(socket, file, off, n)
	}
	return send(ctx, dst, src, off, n, opt, &k)
}

// SendfileCall is sendfile(2) of some system.
type SendfileCall = func(socket, file int, off *int64, n int) (int, error)

// SendWithSendfileOf is Send with call in place of sendfile(2), adapted as on the
// named system.
func SendWithSendfileOf(system string, call SendfileCall, ctx context.Context, dst net.Conn, src *os.File, off, n int64, opt *Options) (Result, error) {
	k := kernelWithSendfileOf(system, call)
	return send(ctx, dst, src, off, n, opt, &k)
}

func kernelWithSendfileOf(name string, call sendfileCall) kernel {
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
		panic("no adapter for " + name)
	}
	return k
}

// WriteWithFaults is Write on the kernel that f describes.
func WriteWithFaults(ctx context.Context, dst net.Conn, p []byte, opt *Options, f *Faults) (Result, error) {
	return write(ctx, dst, p, opt, f.kernel())
}

// SendWithoutQueueSize is Send on a system that cannot report the bytes that a
// peer has taken.
func SendWithoutQueueSize(ctx context.Context, dst net.Conn, src io.ReaderAt, off, n int64, opt *Options) (Result, error) {
	k := system
	k.taken = nil
	return send(ctx, dst, src, off, n, opt, &k)
}

// ReceiveToDisk is Receive that calls disk before each write to the file.
func ReceiveToDisk(disk func(), ctx context.Context, dst *os.File, src net.Conn, off, n int64, opt *Options) (Result, error) {
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
