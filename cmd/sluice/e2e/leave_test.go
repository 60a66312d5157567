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

// An upload that the client has declared complete, by QUIT or ALLO, is published even if
// the client closes its connections at once.
func TestACompleteUploadOfAClientThatLeavesIsPublished(t *testing.T) {
	l := leaveTest{server: startWritable(t, append(newPair(t).flags(), "--ftp-keep-partials", "0")...), workers: 2}
	l.on = func(client func() error) error { return client() }
	l.leave(times(5))
}

// leaveCase is a way in which a client leaves after it has sent everything and has closed
// its data connection.
type leaveCase struct {
	name      string
	announce  bool   // the client has sent ALLO with the size
	last      string // last command of the client
	published bool   // the server must publish the upload
	protection
}

func (l leaveCase) String() string { return l.name + " " + string(l.protection) }

var leaveCases = []leaveCase{
	{"a client that quits and closes at once", false, "QUIT\r\n", true, inClear},
	{"a client that quits and closes at once", false, "QUIT\r\n", true, byTLS},
	{"a client that has announced the size and closes", true, "", true, inClear},
	{"a client that has announced the size and closes", true, "", true, byTLS},
	{"a client that closes", false, "", false, inClear}, // looks like a killed client, see SECURITY.md
	{"a client that closes", false, "", false, byTLS},
}

// leaveTest is a server whose clients leave right after their uploads.
type leaveTest struct {
	*server
	workers int                             // clients at the same time
	on      func(client func() error) error // runs a client on its host
}

const leaveSize = 1_000_000

// leave runs n clients for each case.
func (l leaveTest) leave(n int) {
	l.t.Helper()
	tryEach(l.t, n, l.workers, leaveCases, func(how leaveCase, name string) error {
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
		if how.published {
			want, _ = io.ReadAll(nettest.Pattern(leaveSize))
		}
		if !slices.Equal(got, want) {
			err = errors.Join(err, fmt.Errorf("the file has %d bytes, want %d", len(got), len(want)))
		}
		return err
	})
}

// upload is a client that uploads and leaves.
func (l leaveTest) upload(how leaveCase, name string) error {
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
		if _, err := c.do(200, fmt.Sprint("ALLO ", leaveSize)); err != nil {
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
	if _, err := io.Copy(data, nettest.Pattern(leaveSize)); err != nil {
		return err
	}
	if err := data.Close(); err != nil { // sends the end of TLS too
		return err
	}
	if how.last != "" {
		if _, err := io.WriteString(c.control(), how.last); err != nil {
			return err
		}
	}
	return c.control().Close()
}

// logged waits for the log line of an upload, and returns its fields, or nil if there is
// no such line.
func (s *server) logged(name string) (fields []string) {
	found := s.log.await(1, logDelay, func(line string) bool {
		has := strings.Fields(line)
		return slices.Contains(has, "op=STOR") && slices.Contains(has, "path=/"+name)
	})
	if len(found) == 0 {
		return nil
	}
	return strings.Fields(found[0])
}
