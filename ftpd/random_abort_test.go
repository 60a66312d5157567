package ftpd_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/ftpd"
)

// ftpserverlib shares one writer between two goroutines without a lock; after an unknown
// command or ABOR at the wrong moment both write (facts/ftp.md, 4, number 5). With -race
// this test shows that our engine does not.
func TestABORAtRandomMoments(t *testing.T) {
	const clients, rounds = 8, 25
	s := start(t, func(s *ftpd.Server) { withTLS(s); s.AcceptTimeout = 100 * time.Millisecond })
	s.file("f", 1<<20)
	go func() { // drain the channel
		for range s.transfers {
		}
	}()
	var all sync.WaitGroup
	for i := range clients {
		p := &randomClient{rng: rand.New(rand.NewPCG(1, uint64(i)))}
		if i%2 == 0 {
			p.client = s.login()
			p.w = p.conn
		} else {
			c := s.secure(trust(0))
			p.client, p.w, p.tls = c.client, c.conn, c.config
		}
		all.Go(func() {
			for range rounds {
				if err := p.sendRandomCommands(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	_ = s.Close()
	close(s.transfers)
}

// randomClient is a client that sends random commands.
type randomClient struct {
	*client
	rng *rand.Rand
	w   io.Writer   // the control connection
	tls *tls.Config // of data connections; nil: no TLS
}

// sendRandomCommands sends a few random commands at once, with a transfer among them, and counts the
// replies.
func (p *randomClient) sendRandomCommands() error {
	rng := p.rng
	_ = p.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(p.w, "EPSV\r\n"); err != nil {
		return err
	}
	code, text, err := p.reply()
	if err != nil || code != 229 {
		return fmt.Errorf("EPSV: %q, %w", text, err)
	}
	addr := net.JoinHostPort("127.0.0.1", digits.FindAllString(text, -1)[1])
	var data net.Conn
	if rng.IntN(4) > 0 {
		// The connection may be reset because a late connection of another client has
		// come to the same port, after that one's ABOR: all have the same address.
		data, err = net.Dial("tcp", addr)
		switch {
		case err == nil:
			defer data.Close()
		case errors.Is(err, syscall.ECONNRESET):
			data = nil
		default:
			return err
		}
	}
	if part := rng.Int64N(2 << 20); data != nil && part < 1<<20 {
		if p.tls != nil {
			data = tls.Client(data, p.tls)
		}
		go func() { _, _ = io.CopyN(io.Discard, data, part) }()
	}
	lines := []string{[]string{"RETR f", "STOR g", "LIST", "NLST none", "APPE f"}[rng.IntN(5)]}
	for range rng.IntN(6) {
		lines = append(lines, []string{"ABOR", "NOOP", "STAT", "XYZ", "PWD", "\xff\xf4\xff\xf2ABOR"}[rng.IntN(6)])
	}
	lines = append(lines, "ABOR", "SYST")
	if _, err := io.WriteString(p.w, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		return err
	}
	for finals := 0; finals < len(lines); {
		code, text, err = p.reply()
		if err != nil {
			return fmt.Errorf("%q: %w after %d replies", lines, err, finals)
		}
		if code >= 200 {
			finals++
		}
	}
	if code != 215 { // the reply to SYST
		return fmt.Errorf("%q: the last reply is %q", lines, text)
	}
	return nil
}
