package ftpd_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/budget"
)

// stranger is the party of a client that holds the only turn.
var stranger = budget.Party{Client: netip.MustParseAddr("192.0.2.66"), Account: "eve"}

// startBusy starts a server in which the stranger has the only turn for checksums, and at most as many others wait as
// there are places.
func startBusy(t *testing.T, l *record, places int) (s *server, turns *budget.Pool, held *budget.Hold) {
	t.Helper()
	shared := new(ftpd.Budget)
	turns = budget.Of(shared).Checksums
	turns.SetBounds(budget.Bounds{Size: 1, Queue: places})
	held, err := turns.TryTake(stranger, 1)
	if err != nil {
		t.Fatal(err)
	}
	s = start(t, func(s *ftpd.Server) {
		s.Budget, s.Logger = shared, slog.New(slog.NewTextHandler(l, nil))
	})
	s.file("f", 1000)
	return s, turns, held
}

func TestAChecksumWithoutATurnIsRefusedWithWords(t *testing.T) {
	var l record
	s, _, held := startBusy(t, &l, 0)
	c := s.guest()
	for _, command := range []string{"HASH f", "XSHA512 f", "XCRC f 0 3", "MD5 f"} {
		if text := c.want(450, command); !strings.Contains(text, "too many checksums of all clients; try again soon") {
			t.Errorf("%s: got %q", command, text)
		}
	}
	if got := l.String(); strings.Count(got, `msg="ftp command held back"`) != 4 || !strings.Contains(got, ` reason="too many checksums of all clients" by=eve@192.0.2.66`) {
		t.Errorf("the log is\n%s", got)
	}
	held.Release()
	c.want(250, "XSHA512 f")
}

func TestAChecksumThatWaitedIsLogged(t *testing.T) {
	var l record
	s, turns, held := startBusy(t, &l, 1)
	c := s.guest()
	c.send("XMD5 f")
	waitFor(t, "the command waits", func() bool { return turns.Stats().Waiting == 1 })
	waitFor(t, "150 ms have passed", func() bool { return time.Since(turns.Waits()[0].Since) > 150*time.Millisecond })
	held.Release()
	c.expect(250, "XMD5 f")
	if got := l.String(); !strings.Contains(got, " op=XMD5 ") || !strings.Contains(got, "ms for=checksums by=eve@192.0.2.66") {
		t.Errorf("the log is\n%s", got)
	}
}
