package sendfile_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/sendfile"
)

// unsentRule is a way to limit the unsent data in a socket.
type unsentRule struct {
	name    string
	prepare func(fd int) error // sets the limit on a connection
	chunk   int
}

// unsentRules are compared by BenchmarkUnsent and BenchmarkLongPath.
var unsentRules = []unsentRule{
	{"none", func(int) error { return nil }, 0},
	{"lowat=128KiB", lowat(128 << 10), 0},
	{"lowat=256KiB", lowat(256 << 10), 0},
	{"sndbuf=128KiB", sndbuf(128 << 10), 0},
	{"sndbuf=256KiB", sndbuf(256 << 10), 0},
	{"sndbuf=512KiB", sndbuf(512 << 10), 0},
	{"sndbuf=256KiB,chunk=64KiB", sndbuf(256 << 10), 64 << 10},
}

func lowat(n int) func(int) error {
	return func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, n) }
}

// sndbuf sets the send buffer. The kernel doubles n, for its own bookkeeping, see
// socket(7).
func sndbuf(n int) func(int) error {
	return func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, n) }
}

func BenchmarkUnsent(b *testing.B) {
	for _, size := range benchSizes {
		for _, clients := range []int{1, 4, 64} {
			for _, rule := range unsentRules {
				b.Run(fmt.Sprintf("%s/clients=%d/%s", size.name, clients, rule.name), func(b *testing.B) {
					peers := benchPeers(b, "drain", clients)
					for _, c := range peers.conns {
						raw, err := c.(*net.TCPConn).SyscallConn()
						if err != nil {
							b.Fatal(err)
						}
						var prepared error
						if err := raw.Control(func(fd uintptr) { prepared = rule.prepare(int(fd)) }); err != nil || prepared != nil {
							b.Fatal(err, prepared)
						}
					}
					benchTransfers(b, peers, size.n, rule.contender())
				})
			}
		}
	}
}

func (r unsentRule) contender() contender {
	opt := &sendfile.Options{Chunk: r.chunk}
	return contender{r.name, false, func(ctx context.Context, c net.Conn, f *os.File, size int64) error {
		_, err := sendfile.Send(ctx, c, f, 0, size, opt)
		return err
	}}
}
