//go:build e2e

package e2e

import (
	"testing"
	"time"

	"sluice/internal/nettest"
)

// Far away the end of one connection comes long before that of the other, or long after.

// Lengths of the queue before the path. A client at full speed fills the short one, which
// then drops packets; that may be the end of its control connection.
const (
	endless = 100_000
	short   = 1000
)

// startFar serves a new directory over FTP, by TLS too, to the host that it returns: a
// round trip takes 50 ms.
func startFar(t *testing.T, queue int, flags ...string) (*server, *nettest.Host) {
	t.Helper()
	needsRoot(t)
	there, here := nettest.Path{Delay: 25 * time.Millisecond, MTU: 1500, Queue: queue}.Hosts(t)
	flags = append(flags, "--user", login, "--write", "--http", "", "--ftp", there.Addr+":0")
	s := launch{wrapper: there.Command(), schemes: []string{"ftp"}}.serve(t, t.TempDir(), append(newPair(t).flags(), flags...)...)
	s.ftp = s.urls["ftp"]
	return s, here
}

func TestTheUploadOfAClientThatIsKilledFarAwayIsNotPublished(t *testing.T) {
	s, here := startFar(t, endless, "--ftp-keep-partials", "0", "--ftp-lax-tls", user)
	k := newKilling(t)
	k.server, k.wrapper, k.old, k.workers = s, here.Command(), []byte("old"), 8
	k.kill(times(1), inClear, byTLS)
}

func TestTheUploadOfAClientThatIsKilledFarAwayIsNotPublishedThoughPacketsAreLost(t *testing.T) {
	n := times(0) // it takes seconds, and goes wrong in few tries
	if n == 0 {
		t.Skip("only in make torture")
	}
	s, here := startFar(t, short, "--ftp-keep-partials", "0")
	k := newKilling(t)
	k.server, k.wrapper, k.old, k.workers = s, here.Command(), []byte("old"), 8
	k.kill(n, inClear)
}

func TestTheUploadOfAClientThatLeavesFromFarAwayIsPublishedIfTheClientHasSaidThatItIsWhole(t *testing.T) {
	s, here := startFar(t, endless, "--ftp-keep-partials", "0")
	leaving{server: s, on: here.Do, workers: 8}.leave(times(3))
}
