package methods

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From linux/io_uring.h; x/sys has the numbers of the system calls only.
const (
	opRead   = 22 // 5.6
	opSplice = 30 // 5.7
	opPoll   = 6
	opSendZC = 47 // 6.0

	linkNext = 1 << 2 // IOSQE_IO_LINK: the next one starts when this one is done, and is cancelled if this one moves less

	moreFollows  = 1 << 1 // IORING_CQE_F_MORE
	notification = 1 << 3 // IORING_CQE_F_NOTIF

	registerProbe    = 8
	registerWorkers  = 17 // IORING_REGISTER_IOWQ_AFF, 5.14
	enterGetevents   = 1
	featSingleMmap   = 1
	offRings         = 0
	offSubmissions   = 0x10000000
	probeOps         = 256
	probeOpSupported = 1
)

// A submission is struct io_uring_sqe, a completion struct io_uring_cqe.
type (
	submission struct {
		op, flags   uint8
		priority    uint16
		fd          int32
		off         uint64 // splice: offset in the destination
		addr        uint64 // splice: offset in the source
		len         uint32
		opFlags     uint32
		tag         uint64
		bufIndex    uint16
		personality uint16
		spliceFrom  int32
		_           [2]uint64
	}
	completion struct {
		tag   uint64
		res   int32
		flags uint32
	}
)

// ringParams is struct io_uring_params.
type ringParams struct {
	entries, completions, flags, cpu, idle, features, workers uint32
	_                                                         [3]uint32
	sq                                                        struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, completions, flags, _ uint32
		_                                                          uint64
	}
}

// A ring is an io_uring(7), for one goroutine. At most as many operations as it
// has entries may be under way.
type ring struct {
	fd          int
	rings       unsafe.Pointer
	ringsSize   uintptr
	entries     unsafe.Pointer
	sqTail      *uint32 // written here, read by the kernel
	sqMask      uint32
	array       []uint32
	sqes        []submission
	cqHead      *uint32 // written here, read by the kernel
	cqTail      *uint32 // written by the kernel
	cqMask      uint32
	cqes        []completion
	unsubmitted uint32
}

// newRing makes a ring. The number of entries is a power of two.
func newRing(entries uint32) (*ring, error) {
	var p ringParams
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		// ENOSYS: before Linux 5.1. EPERM: /proc/sys/kernel/io_uring_disabled,
		// or the seccomp filter of a container.
		return nil, os.NewSyscallError("io_uring_setup", errno)
	}
	r := &ring{fd: int(fd)}
	if p.features&featSingleMmap == 0 {
		r.close()
		return nil, errors.New("io_uring of this kernel is older than Linux 5.4")
	}
	r.ringsSize = max(
		uintptr(p.sq.array)+uintptr(p.entries)*4,
		uintptr(p.cq.completions)+uintptr(p.completions)*unsafe.Sizeof(completion{}),
	)
	var err error
	if r.rings, err = r.mmap(offRings, r.ringsSize); err == nil {
		r.entries, err = r.mmap(offSubmissions, uintptr(p.entries)*unsafe.Sizeof(submission{}))
	}
	if err != nil {
		r.close()
		return nil, err
	}
	word := func(off uint32) *uint32 { return (*uint32)(unsafe.Add(r.rings, off)) }
	r.sqTail, r.sqMask = word(p.sq.tail), *word(p.sq.mask)
	r.array = unsafe.Slice(word(p.sq.array), p.entries)
	r.sqes = unsafe.Slice((*submission)(r.entries), p.entries)
	r.cqHead, r.cqTail, r.cqMask = word(p.cq.head), word(p.cq.tail), *word(p.cq.mask)
	r.cqes = unsafe.Slice((*completion)(unsafe.Add(r.rings, p.cq.completions)), p.completions)
	return r, nil
}

func (r *ring) mmap(off int64, size uintptr) (unsafe.Pointer, error) {
	p, err := unix.MmapPtr(r.fd, off, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	return p, os.NewSyscallError("mmap io_uring", err)
}

// close frees the ring. The kernel cancels operations under way, and keeps the
// pages that it still sends.
func (r *ring) close() {
	if r.entries != nil {
		_ = unix.MunmapPtr(r.entries, uintptr(len(r.sqes))*unsafe.Sizeof(submission{}))
	}
	if r.rings != nil {
		_ = unix.MunmapPtr(r.rings, r.ringsSize)
	}
	_ = unix.Close(r.fd)
}

// prepare puts s into the ring. The next call of wait submits it.
func (r *ring) prepare(s submission) {
	tail := *r.sqTail // nobody else writes it
	slot := tail & r.sqMask
	r.sqes[slot] = s
	r.array[slot] = slot
	atomic.StoreUint32(r.sqTail, tail+1) // after the entry that it makes visible
	r.unsubmitted++
}

// wait submits the prepared operations and returns when next has n completions.
// It blocks the thread.
func (r *ring) wait(n uint32) error {
	for r.unsubmitted > 0 || atomic.LoadUint32(r.cqTail)-*r.cqHead < n {
		took, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(r.unsubmitted), uintptr(n), enterGetevents, 0, 0)
		switch errno {
		case 0:
			r.unsubmitted -= uint32(took)
		case unix.EINTR: // by a signal, before anything was submitted
		default:
			return os.NewSyscallError("io_uring_enter", errno)
		}
	}
	return nil
}

// next takes the oldest completion out of the ring. There must be one.
func (r *ring) next() completion {
	head := *r.cqHead // nobody else writes it
	c := r.cqes[head&r.cqMask]
	atomic.StoreUint32(r.cqHead, head+1) // only now may the kernel use its place
	return c
}

// followAffinity binds the workers of the ring, which do what would block, to
// the processors of the calling thread. By default they run anywhere. The
// caller has locked its thread before it made the ring: the workers belong to
// that thread.
func (r *ring) followAffinity() error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	return r.register("IORING_REGISTER_IOWQ_AFF", registerWorkers, unsafe.Pointer(&set), unsafe.Sizeof(set))
}

func (r *ring) register(name string, code uintptr, arg unsafe.Pointer, n uintptr) error {
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), code, uintptr(arg), n, 0, 0); errno != 0 {
		return fmt.Errorf("io_uring_register %s: %w", name, errno)
	}
	return nil
}

// uringHas returns a function that checks whether this process may make a ring,
// and whether the kernel knows the operations.
func uringHas(ops ...uint8) func() error {
	return func() error {
		r, err := newRing(1)
		if err != nil {
			return err
		}
		defer r.close()
		var probe struct { // struct io_uring_probe
			last, count uint8
			_           uint16
			_           [3]uint32
			ops         [probeOps]struct {
				op, _ uint8
				flags uint16
				_     uint32
			}
		}
		if err := r.register("IORING_REGISTER_PROBE", registerProbe, unsafe.Pointer(&probe), probeOps); err != nil {
			return err
		}
		for _, op := range ops {
			if probe.ops[op].flags&probeOpSupported == 0 {
				return fmt.Errorf("io_uring of this kernel has no operation %d", op)
			}
		}
		return nil
	}
}
