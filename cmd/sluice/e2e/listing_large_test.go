//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A directory of 60,000 files is not sorted, but clients get each once, by every command and
// protocol.
func TestClientsListADirectoryOf60000Files(t *testing.T) {
	const n = 60_000
	shm, err := os.MkdirTemp("/dev/shm", "sluice-e2e-") // in memory, if the system has that
	if err != nil {
		shm = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(shm) })
	dir := filepath.Join(shm, "d")
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("%06d.bin", i*7919%n))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(want, ".hidden") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	s := startUnder(t, nil, shm)
	web, ftp := s.http.JoinPath("d/").String(), s.ftp.JoinPath("d/").String()
	for _, tt := range []struct {
		name string
		argv []string
	}{
		{"curl, JSON", []string{"curl", "-sSf", "-H", "Accept: application/json", web}},
		{"curl, the page for browsers", []string{"curl", "-sSf", "-H", "Accept: text/html", "--compressed", web}},
		{"curl, the page for programs", []string{"curl", "-sSf", web}},
		{"curl, LIST", []string{"curl", "-sSf", ftp}},
		{"curl, NLST", []string{"curl", "-sSf", "--list-only", ftp}},
		{"curl, MLSD", []string{"curl", "-sSf", "-X", "MLSD", ftp}},
		{"curl, a pattern", []string{"curl", "-sSf", "-X", "NLST *.bin", ftp}},
		{"lftp, FTP", []string{"lftp", "-c", "set net:max-retries 1; open " + ftp + "; cls -1"}},
		{"lftp, LIST -R", []string{"lftp", "-c", "set net:max-retries 1; open " + ftp + "; ls -R"}},
		{"lftp, HTTP", []string{"lftp", "-c", "set net:max-retries 1; open " + web + "; cls -1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for line := range strings.Lines(run(t, t.TempDir(), tt.argv[0], tt.argv[1:]...)) {
				if strings.Contains(line, ".hidden") {
					t.Fatalf("%q is shown", line)
				}
				if i := strings.Index(line, ".bin"); i >= 6 {
					got = append(got, path.Base(line[i-6:i+len(".bin")]))
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("got %d names, %d different ones, want %d", len(got), len(slices.Compact(got)), len(want))
			}
		})
	}
}
