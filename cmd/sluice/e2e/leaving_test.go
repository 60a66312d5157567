//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/internal/nettest"
)

// What a client has said to be all is published, however soon it closes its connections.
func TestTheUploadOfAClientThatLeavesIsPublishedIfTheClientHasSaidThatItIsWhole(t *testing.T) {
	l := leaving{server: startWritable(t, append(newPair(t).flags(), "--ftp-keep-partials", "0")...), workers: 2}
	l.on = func(client func() error) error { return client() }
	l.leave(times(5))
}

// leave is how a client leaves that has sent all, and has ended its data connection in
// order.
type leave struct {
	name     string
	announce bool   // it has sent ALLO with the right size
	last     string // command that it sends
	whole    bool   // the server can tell that this was all
	protection
}

func (l leave) String() string { return l.name + " " + string(l.protection) }

var leaves = []leave{
	{"a client that quits and closes at once", false, "QUIT\r\n", true, inClear},
	{"a client that quits and closes at once", false, "QUIT\r\n", true, byTLS},
	{"a client that has announced as much and closes", true, "", true, inClear},
	{"a client that has announced as much and closes", true, "", true, byTLS},
	{"a client that closes", false, "", false, inClear}, // as one that is killed, see SECURITY.md
	{"a client that closes", false, "", false, byTLS},
}

// leaving is a server whose clients leave right after their uploads.
type leaving struct {
	*server
	workers int                             // that leave at the same time
	on      func(client func() error) error // runs a client on its host
}

const leavingSize = 1_000_000

// leave lets n clients leave in each way.
func (l leaving) leave(n int) {
	l.t.Helper()
	tryEach(l.t, n, l.workers, leaves, func(how leave, name string) error {
		target := l.path(name)
		if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
			return err
		}
		if err := l.on(func() error { return l.upload(how, name) }); err != nil {
			return err
		}
		if l.logged(name) == nil {
			return errors.New("the upload is not in the log")
		}
		got, err := os.ReadFile(target)
		want := []byte("old")
		if how.whole {
			want, _ = io.ReadAll(nettest.Pattern(leavingSize))
		}
		if !slices.Equal(got, want) {
			err = errors.Join(err, fmt.Errorf("the file has %d bytes, want %d", len(got), len(want)))
		}
		return err
	})
}

// upload uploads and leaves.
func (l leaving) upload(how leave, name string) error {
	var config *tls.Config
	if how.protection == byTLS {
		config = &tls.Config{InsecureSkipVerify: true}
	}
	c, err := dialFTPS(context.Background(), l.ftp.Host, user, password, config)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	if how.announce {
		if _, err := c.do(200, fmt.Sprint("ALLO ", leavingSize)); err != nil {
			return err
		}
	}
	tcp, err := c.transfer(context.Background(), "STOR "+name)
	if err != nil {
		return err
	}
	defer tcp.Close()
	var data net.Conn = tcp
	if config != nil {
		data = tls.Client(tcp, config)
	}
	if _, err := io.Copy(data, nettest.Pattern(leavingSize)); err != nil {
		return err
	}
	if err := data.Close(); err != nil { // the end of TLS too
		return err
	}
	if how.last != "" {
		if _, err := io.WriteString(c.control(), how.last); err != nil {
			return err
		}
	}
	return c.control().Close()
}

// logged waits for the line of the log about the upload of that name, and returns its
// fields; nil: there is none.
func (s *server) logged(name string) (fields []string) {
	found := s.log.await(1, logDelay, func(line string) bool {
		there := strings.Fields(line)
		return slices.Contains(there, "op=STOR") && slices.Contains(there, "path=/"+name)
	})
	if len(found) == 0 {
		return nil
	}
	return strings.Fields(found[0])
}
