package sendfile

import "syscall"

// sendfileCall is sendfile(2) as package x/sys has it for all of Unix. It
// starts at *off, and what it does to *off, what its count means beside an
// error, and what it takes for an error at all, differs by system.
//
// Its methods make of it the step that kernel wants: at most n bytes from *off
// on, and a count that can be believed, beside whatever error. The steps of
// all systems are compiled on all systems, so that the tests can play each
// one's quirks.
type sendfileCall func(socket, file int, off *int64, n int) (int, error)

// linux: the count is 0 beside an error. A single call takes at most
// 0x7ffff000 bytes, more than a chunk has.
func (call sendfileCall) linux(socket, file uintptr, off *int64, n int) (int, error) {
	return call(int(socket), int(file), off, n)
}

// bsd is FreeBSD and DragonFly BSD. *off is not updated. The count is what
// was sent, and beside EAGAIN and EINTR it is often not 0: the socket took a
// part. A count of 0 to send would mean all of the file.
func (call sendfileCall) bsd(socket, file uintptr, off *int64, n int) (int, error) {
	if n == 0 {
		return 0, nil
	}
	return call(int(socket), int(file), off, n)
}

// darwin is macOS and its kin. As on FreeBSD, but the count goes in and comes
// out by one variable, which the kernel leaves alone when it refuses early: a
// bad descriptor (EBADF), no stream socket (ENOTSOCK, EINVAL), no regular file
// (ENOTSUP, EOPNOTSUPP). Then it still holds what was asked for, although
// nothing was sent. So it is believed beside the errors only that come when a
// part was sent.
func (call sendfileCall) darwin(socket, file uintptr, off *int64, n int) (int, error) {
	if n == 0 {
		return 0, nil
	}
	sent, err := call(int(socket), int(file), off, n)
	if err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
		return 0, err
	}
	return sent, err
}

// solaris is Solaris and illumos. The offset tells what was sent, the count
// does not. EINVAL may come after data was sent, when the count passed the
// end of the file, so it is an error only if nothing was.
func (call sendfileCall) solaris(socket, file uintptr, off *int64, n int) (int, error) {
	start := *off
	_, err := call(int(socket), int(file), off, n)
	sent := int(*off - start)
	if sent > 0 && err == syscall.EINVAL {
		err = nil
	}
	return sent, err
}
