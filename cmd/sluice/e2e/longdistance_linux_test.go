//go:build e2e

package e2e

import (
	"testing"
	"time"

	"sluice/internal/nettest"
)

// Over a long distance the server may see the end of one connection of a client long
// before that of the other.

// Lengths of the queue in front of the path, in packets. A client at full speed fills the
// short one, which then drops packets, perhaps the end of the control connection.
const (
	endless = 100_000
	short   = 1000
)

// startFar starts a server of FTP and FTPS on a host of its own. The host for the clients,
// which it returns, is at a distance of 50 ms, the round-trip time.
func startFar(t *testing.T, queue int, flags ...string) (*server, *nettest.Host) {
	t.Helper()
	needsRoot(t)
	there, here := nettest.Path{Delay: 25 * time.Millisecond, MTU: 1500, Queue: queue}.Hosts(t)
	flags = append(flags, "--user", login, "--write", "--http", "", "--ftp", there.Addr+":0")
	s := launch{wrapper: there.Command(), schemes: []string{"ftp"}}.serve(t, t.TempDir(), append(newPair(t).flags(), flags...)...)
	s.ftp = s.urls["ftp"]
	return s, here
}

func TestTheUploadOfAKilledDistantClientIsNotPublished(t *testing.T) {
	s, here := startFar(t, endless, "--ftp-keep-partials", "0", "--ftp-lax-tls", user)
	k := newKillTest(t)
	k.server, k.wrapper, k.old, k.workers = s, here.Command(), []byte("old"), 8
	k.kill(times(1), inClear, byTLS)
}

func TestTheUploadOfAKilledDistantClientIsNotPublishedDespitePacketLoss(t *testing.T) {
	n := times(0) // slow, and only many tries show a fault
	if n == 0 {
		t.Skip("only in make torture")
	}
	s, here := startFar(t, short, "--ftp-keep-partials", "0")
	k := newKillTest(t)
	k.server, k.wrapper, k.old, k.workers = s, here.Command(), []byte("old"), 8
	k.kill(n, inClear)
}

func TestACompleteUploadOfADistantClientThatLeavesIsPublished(t *testing.T) {
	s, here := startFar(t, endless, "--ftp-keep-partials", "0")
	leaveTest{server: s, on: here.Do, workers: 8}.leave(times(3))
}
