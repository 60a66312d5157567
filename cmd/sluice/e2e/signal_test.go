//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// exitTime is how long the program may take to end if it waits for no client.
	exitTime = 5 * time.Second

	// large is more than fits into the kernel's buffers, so the transfer of a client that
	// does not read lasts.
	large = 32 << 20
)

// signalAndWait sends the program a signal and waits until it has logged it.
func (s *server) signalAndWait(sig syscall.Signal) {
	s.t.Helper()
	s.signal(sig)
	s.wantLogged("signal=" + sig.String())
}

func TestTransfersFinishAfterSIGTERM(t *testing.T) {
	const size = 1 << 20 // of the upload
	s := startWritable(t)
	s.file("f", large)
	running := s.downloadAll("f")
	up := s.beginUpload("up")
	s.signalAndWait(syscall.SIGTERM)
	wantRefused(t, s.http.Host)
	wantRefused(t, s.ftp.Host)

	for i, d := range running {
		if err := d.finish(t, large); err != nil {
			t.Errorf("%s: %v", protocols[i].name, err)
		}
	}
	if err := up.finish(size); err != nil {
		t.Errorf("upload: %v", err)
	}
	s.wantExit(exitTime)
	wantPattern(t, s.path("up"), 0, size)
}

func TestTransfersAreCutAtTheEndOfTheDrainTime(t *testing.T) {
	s := startWritable(t, "--drain", "200ms")
	s.file("f", large)
	s.file("up", 1000)
	running := s.downloadAll("f")
	s.beginUpload("up")
	s.signalAndWait(syscall.SIGTERM)
	s.wantExit(exitTime)
	for i, d := range running {
		if err := d.finish(t, large); err == nil {
			t.Errorf("%s: the download went on to its end", protocols[i].name)
		}
	}
	wantPattern(t, s.path("up"), 0, 1000) // the old file
}

func TestASecondSignalCutsAtOnce(t *testing.T) {
	s := start(t)
	s.file("f", large)
	running := s.downloadAll("f")
	s.signalAndWait(syscall.SIGINT)
	s.wantLogged(`msg="waiting`, fmt.Sprintf("transfers=%d", len(running)), "at_most=30s")
	s.signal(syscall.SIGTERM)
	s.wantExit(exitTime)
	if log := s.log.String(); strings.Contains(log, "use of closed network connection") || !strings.Contains(log, "cut by this server") || !strings.Contains(log, "ftpd: server closed") {
		t.Errorf("want lines that say who has cut the transfers; log:\n%s", log)
	}
	for i, d := range running {
		if err := d.finish(t, large); err == nil {
			t.Errorf("%s: the download went on to its end", protocols[i].name)
		}
	}
}

func TestIdleClientsDoNotDelayShutdown(t *testing.T) {
	s := start(t)
	s.file("f", 1000)
	resp, err := http.Get(s.urlOf("http", "f")) // the connection stays open
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	c, err := dialFTP(t.Context(), s.ftp.Host, "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()

	s.signalAndWait(syscall.SIGINT)
	s.wantExit(exitTime)
	if reply, err := c.reply(); !strings.HasPrefix(reply, "421 ") {
		t.Errorf("the FTP client got %q, %v, want 421", reply, err)
	}
}

// faults-http.md, H15: without --config, SIGHUP ended the program.
func TestSIGHUPWithoutAConfigInterruptsNothing(t *testing.T) {
	s := startWritable(t)
	s.file("f", large)
	running := s.downloadAll("f")
	for range 3 {
		s.signal(syscall.SIGHUP)
		s.wantLogged("msg=\"hangup:", "error\"")
	}
	for i, d := range running {
		if err := d.finish(t, large); err != nil {
			t.Errorf("%s: %v", protocols[i].name, err)
		}
	}
	up := s.beginUpload("up") // SIGHUP must not cut the drain either
	s.signalAndWait(syscall.SIGTERM)
	s.signal(syscall.SIGHUP)
	if err := up.finish(1 << 20); err != nil {
		t.Errorf("upload: %v", err)
	}
	s.wantExit(exitTime)
}
