//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// A file of limitedSize takes half a second at limitedRate. limitedTime is less than that
// by the first chunk, the unused rate from before the transfer, and a margin.
const (
	limitedSize = 500_000
	limitedRate = "1MB"
	limitedTime = 300 * time.Millisecond
)

// wantLimited checks that a transfer takes at least limitedTime, and that the log names the
// rate limit as the cause.
func (s *server) wantLimited(scheme string, transfer func()) {
	s.t.Helper()
	begin := time.Now()
	transfer()
	if took := time.Since(begin); took < limitedTime {
		s.t.Errorf("took %v, want at least %v", took, limitedTime)
	}
	s.wantLogged("msg="+scheme, "bytes=500000", `cause="rate`) // fields are split at spaces
}

func TestTheRateOfATransferLimitsDownloads(t *testing.T) {
	for _, scheme := range schemes {
		for _, client := range [][]string{
			{"curl", "-sS", "-o", "got"},
			{"wget", "-nv", "-t", "1", "-O", "got"},
		} {
			t.Run(client[0]+" by "+scheme, func(t *testing.T) {
				s := start(t, "--max-rate-per-transfer", limitedRate)
				s.file("f", limitedSize)
				dir := t.TempDir()
				s.wantLimited(scheme, func() {
					run(t, dir, client[0], append(client[1:], s.urlOf(scheme, "f"))...)
				})
				wantPattern(t, filepath.Join(dir, "got"), 0, limitedSize)
			})
		}
	}
}

func TestTheTotalRateLimitsUploads(t *testing.T) {
	s := startWritable(t, "--max-rate", limitedRate)
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "f"), limitedSize)
	s.wantLimited("ftp", func() {
		run(t, dir, "curl", "-sS", "--user", login, "-T", "f", s.urlOf("ftp", "up"))
	})
	wantPattern(t, s.path("up"), 0, limitedSize)
}

// HTTP and FTP share one limit.
func TestTheProtocolsShareTheTotalRate(t *testing.T) {
	s := start(t, "--max-rate", limitedRate)
	s.file("f", limitedSize/2)
	begin := time.Now()
	for _, d := range s.downloadAll("f") {
		if err := d.finish(t, limitedSize/2); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(begin); took < limitedTime {
		t.Errorf("took %v, want at least %v", took, limitedTime)
	}
}

func TestRateLimitsExemptTheFirstBytesAndOtherUsers(t *testing.T) {
	s := startWritable(t, "--anonymous-max-rate", "1", "--rate-after", "1000000")
	s.file("f", limitedSize)
	dir := t.TempDir()
	run(t, dir, "curl", "-sS", "-o", "got", s.urlOf("ftp", "f"))
	wantPattern(t, filepath.Join(dir, "got"), 0, limitedSize)
	s.file("large", 4*limitedSize)
	run(t, dir, "curl", "-sS", "-o", "got", "--user", login, s.urlOf("ftp", "large"))
	wantPattern(t, filepath.Join(dir, "got"), 0, 4*limitedSize)
}

func TestTheStatusShowsARateLimit(t *testing.T) {
	s := start(t, "--admin", "127.0.0.1:0", "--max-rate-per-transfer", "20KiB")
	s.file("f", limitedSize)
	d := s.downloadAll("f")
	for _, each := range d {
		defer each.close()
	}
	defer http.DefaultClient.CloseIdleConnections()
	eventually(t, "both transfers are held back by the limit", func() bool {
		resp, err := http.Get("http://" + adminOf(s) + "/status.json")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var status struct {
			Sessions []struct {
				Transfers []struct{ Cause string }
			}
		}
		if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
			t.Fatal(err)
		}
		limited := 0
		for _, session := range status.Sessions {
			for _, transfer := range session.Transfers {
				if transfer.Cause == "rate limit" {
					limited++
				}
			}
		}
		return limited == len(d)
	})
}
