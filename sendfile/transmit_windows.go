package sendfile

import (
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// sysIsServer reports whether this is a server edition of Windows. Client
// editions run two TransmitFile calls at a time, counted over all processes, and
// queue the others.
var sysIsServer = sync.OnceValue(func() bool {
	const workstation = 1 // VER_NT_WORKSTATION
	return windows.RtlGetVersion().ProductType != workstation
})

// tcpInfo is TCP_INFO_v0 of mstcpip.h.
type tcpInfo struct {
	state             uint32
	mss               uint32
	connectionTime    uint64
	timestampsEnabled byte
	rtt               uint32
	minRTT            uint32
	bytesInFlight     uint32
	cwnd              uint32
	sndWnd            uint32
	rcvWnd            uint32
	rcvBuf            uint32
	bytesOut          uint64
	bytesIn           uint64
	bytesReordered    uint32
	bytesRetrans      uint32
	fastRetrans       uint32
	dupAcksIn         uint32
	timeoutEpisodes   uint32
	synRetrans        byte
}

// sysAcked uses SIO_TCP_INFO, which Windows 10 has from version 1703 on and wine 8
// lacks. Whether bytesOut includes retransmitted bytes is not documented. If it
// does not, the result is too small on a path that loses packets, but still does
// not grow when the peer takes nothing.
var sysAcked = func(socket uintptr) (int64, error) {
	const getTCPInfo = windows.IOC_INOUT | windows.IOC_VENDOR | 39 // SIO_TCP_INFO
	var (
		version uint32
		info    tcpInfo
		n       uint32
	)
	err := windows.WSAIoctl(windows.Handle(socket), getTCPInfo,
		(*byte)(unsafe.Pointer(&version)), uint32(unsafe.Sizeof(version)),
		(*byte)(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), &n, nil, 0)
	if err != nil {
		return 0, os.NewSyscallError("wsaioctl", err)
	}
	return int64(info.bytesOut) - int64(info.bytesRetrans) - int64(info.bytesInFlight), nil
}

// overlapped is a transmission by TransmitFile with an OVERLAPPED, which holds the
// offset in the file and an event to set at the end. The low bit of the event
// handle keeps the completion away from the completion port of package net, which
// knows nothing of this call.
//
// A thread of the system's thread pool waits for many events. A thread for each
// would be a thousand for a thousand slow peers, and at ten thousand threads the
// Go runtime aborts.
type overlapped struct {
	o     windows.Overlapped // pinned: the kernel writes into it at the end
	event windows.Handle
	wait  windows.Handle // registration of the wait for event; 0: none
	ended chan struct{}  // receives one value at the end of a call; buffers it
	pin   runtime.Pinner
}

var sysTransmit = func() (transmission, error) {
	event, err := windows.CreateEvent(nil, 1 /* manual reset */, 0, nil)
	if err != nil {
		return nil, os.NewSyscallError("createevent", err)
	}
	c := &overlapped{event: event, ended: make(chan struct{}, 1)}
	c.pin.Pin(c)
	return c, nil
}

func (c *overlapped) start(socket, file uintptr, off int64, n int) error {
	if err := windows.ResetEvent(c.event); err != nil {
		return err
	}
	c.o = windows.Overlapped{Offset: uint32(off), OffsetHigh: uint32(off >> 32), HEvent: c.event | 1}
	// TF_WRITE_BEHIND: the call is done when the system has the bytes. Without it
	// each call would last until the peer has acknowledged them, a round trip.
	err := windows.TransmitFile(windows.Handle(socket), windows.Handle(file), uint32(n), 0, &c.o, nil, windows.TF_WRITE_BEHIND)
	switch err {
	case nil:
		c.ended <- struct{}{}
	case windows.ERROR_IO_PENDING:
		c.awaitEvent()
	default:
		return err
	}
	return nil
}

var (
	kernel32                    = windows.NewLazySystemDLL("kernel32.dll")
	registerWaitForSingleObject = kernel32.NewProc("RegisterWaitForSingleObject")
	unregisterWaitEx            = kernel32.NewProc("UnregisterWaitEx")

	// eventIsSet is a callback for a thread of the system's pool. A process can
	// make few callbacks and cannot free them, so all transmissions share one.
	eventIsSet = sync.OnceValue(func() uintptr {
		return windows.NewCallback(func(c *overlapped, _ uintptr) uintptr {
			c.ended <- struct{}{}
			return 0
		})
	})
)

// awaitEvent makes ended receive a value when the event is set. It does not
// block.
func (c *overlapped) awaitEvent() {
	const executeOnlyOnce = 0x8 // WT_EXECUTEONLYONCE
	ok, _, _ := registerWaitForSingleObject.Call(uintptr(unsafe.Pointer(&c.wait)), uintptr(c.event),
		eventIsSet(), uintptr(unsafe.Pointer(c)), windows.INFINITE, executeOnlyOnce)
	if ok == 0 {
		c.wait = 0
		go c.blockForEvent() // costs a thread, but the call is under way and must be waited for
	}
}

// blockForEvent blocks until the event is set, and then sends to ended.
func (c *overlapped) blockForEvent() {
	_, _ = windows.WaitForSingleObject(c.event, windows.INFINITE)
	c.ended <- struct{}{}
}

func (c *overlapped) done() <-chan struct{} { return c.ended }

// cancel ignores the error of CancelIoEx, which means that the call is done.
func (c *overlapped) cancel(socket uintptr) {
	_ = windows.CancelIoEx(windows.Handle(socket), &c.o)
}

// result returns the count of InternalHigh, because the count of
// WSAGetOverlappedResult may be 0 next to an error.
func (c *overlapped) result(socket uintptr) (int, error) {
	if c.wait != 0 {
		// INVALID_HANDLE_VALUE makes the call wait until the callback has returned.
		_, _, _ = unregisterWaitEx.Call(uintptr(c.wait), uintptr(windows.InvalidHandle))
		c.wait = 0
	}
	var n, flags uint32
	err := windows.WSAGetOverlappedResult(windows.Handle(socket), &c.o, &n, false, &flags)
	if err == windows.ERROR_HANDLE_EOF {
		err = nil // the file has become shorter, as the count shows
	}
	return int(c.o.InternalHigh), err
}

func (c *overlapped) close() {
	_ = windows.CloseHandle(c.event)
	c.pin.Unpin()
}
