//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// soon is what an end may take that waits for no client.
	soon = 5 * time.Second

	// large is more than fits into the buffers of the kernel, so that a
	// client who does not read keeps its transfer going.
	large = 32 << 20
)

// order sends the program a signal and waits until it has understood.
func (s *server) order(sig syscall.Signal) {
	s.t.Helper()
	s.signal(sig)
	s.wantLogged("signal=" + sig.String())
}

func TestTransfersFinishAfterSIGTERM(t *testing.T) {
	const size = 1 << 20 // of the upload
	s := startWritable(t)
	s.file("f", large)
	under := s.downloadAll("f")
	up := s.beginUpload("up")
	s.order(syscall.SIGTERM)
	wantRefused(t, s.http.Host)
	wantRefused(t, s.ftp.Host)

	for i, d := range under {
		if err := d.finish(t, large); err != nil {
			t.Errorf("%s: %v", protocols[i].name, err)
		}
	}
	if err := up.finish(size); err != nil {
		t.Errorf("upload: %v", err)
	}
	s.wantExit(soon)
	wantPattern(t, s.path("up"), 0, size)
}

func TestTransfersAreCutWhenTheDrainIsOver(t *testing.T) {
	s := startWritable(t, "--drain", "200ms")
	s.file("f", large)
	s.file("up", 1000)
	under := s.downloadAll("f")
	s.beginUpload("up")
	s.order(syscall.SIGTERM)
	s.wantExit(soon)
	for i, d := range under {
		if err := d.finish(t, large); err == nil {
			t.Errorf("%s: the download went on to its end", protocols[i].name)
		}
	}
	wantPattern(t, s.path("up"), 0, 1000) // the old one
}

func TestASecondSignalCutsAtOnce(t *testing.T) {
	s := start(t)
	s.file("f", large)
	under := s.downloadAll("f")
	s.order(syscall.SIGINT)
	s.signal(syscall.SIGTERM)
	s.wantExit(soon)
	for i, d := range under {
		if err := d.finish(t, large); err == nil {
			t.Errorf("%s: the download went on to its end", protocols[i].name)
		}
	}
}

func TestIdleClientsDoNotDelayTheEnd(t *testing.T) {
	s := start(t)
	s.file("f", 1000)
	resp, err := http.Get(s.urlOf("http", "f")) // its connection is kept
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

	s.order(syscall.SIGINT)
	s.wantExit(soon)
	if said, err := c.reply(); !strings.HasPrefix(said, "421 ") {
		t.Errorf("the FTP client was told %q, %v, want 421", said, err)
	}
}

// faults-http.md, H15: without --config it ended the program.
func TestSIGHUPEndsNothing(t *testing.T) {
	s := startWritable(t)
	s.file("f", large)
	under := s.downloadAll("f")
	for range 3 {
		s.signal(syscall.SIGHUP)
		s.wantLogged("msg=\"hangup:", "ours\"")
	}
	for i, d := range under {
		if err := d.finish(t, large); err != nil {
			t.Errorf("%s: %v", protocols[i].name, err)
		}
	}
	up := s.beginUpload("up") // and while transfers may finish
	s.order(syscall.SIGTERM)
	s.signal(syscall.SIGHUP)
	if err := up.finish(1 << 20); err != nil {
		t.Errorf("upload: %v", err)
	}
	s.wantExit(soon)
}
