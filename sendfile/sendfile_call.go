package sendfile

import "syscall"

// sendfileCall is sendfile(2) as package x/sys declares it for all of Unix. It
// starts at *off. Systems differ in how they change *off, in the meaning of the
// count next to an error, and in which results are errors.
//
// Each method adapts the call of one system to kernel.sendfile: it sends at most
// n bytes from *off on, and the count is right even next to an error. All of them
// are compiled on all systems, so that the tests can imitate each system.
type sendfileCall func(socket, file int, off *int64, n int) (int, error)

// linux adapts the call of Linux. Next to an error the count is -1 or 0. One call
// takes at most 0x7ffff000 bytes, which is more than maxChunk.
func (call sendfileCall) linux(socket, file uintptr, off *int64, n int) (int, error) {
	return call(int(socket), int(file), off, n)
}

// bsd adapts the call of FreeBSD and DragonFly BSD. It does not update *off. The
// count is the bytes sent; next to EAGAIN and EINTR it is often not 0, because the
// socket accepted a part. An n of 0 would mean all of the file.
func (call sendfileCall) bsd(socket, file uintptr, off *int64, n int) (int, error) {
	if n == 0 {
		return 0, nil
	}
	return call(int(socket), int(file), off, n)
}

// darwin adapts the call of macOS and iOS. It works as on FreeBSD, but one
// variable passes n in and the count out, and the kernel does not set it when it
// refuses early: a bad descriptor (EBADF), no stream socket (ENOTSOCK, EINVAL), no
// regular file (ENOTSUP, EOPNOTSUPP). The variable then still holds n although
// nothing was sent. So the count is used only next to the errors that may come
// after a part was sent.
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

// solaris adapts the call of Solaris and illumos. *off shows how much was sent,
// the count does not. EINVAL may come after data was sent, if n passes the end of
// the file, so it is an error only if nothing was sent.
func (call sendfileCall) solaris(socket, file uintptr, off *int64, n int) (int, error) {
	start := *off
	_, err := call(int(socket), int(file), off, n)
	sent := int(*off - start)
	if sent > 0 && err == syscall.EINVAL {
		err = nil
	}
	return sent, err
}
