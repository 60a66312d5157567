package certs_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/certs"
	"sluice/internal/nettest"
)

// The tests use the fake time of synctest.
const second = time.Second

// loaded returns a Reloader after Load of one pair, and the errors passed to its OnReload.
func loaded(t *testing.T, p certs.Pair) (r *certs.Reloader, reported *[]error) {
	t.Helper()
	reported = new([]error)
	r = &certs.Reloader{Pairs: []certs.Pair{p}, OnReload: func(got certs.Pair, err error) {
		if got != p {
			t.Errorf("OnReload got %v, want %v", got, p)
		}
		*reported = append(*reported, err)
	}}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	return r, reported
}

func TestNewPairIsUsedWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := nettest.TempDir(t)
		old := writePair(t, dir, "a")
		r, reported := loaded(t, pair(dir, "a"))

		time.Sleep(second)
		if got := serverFingerprint(t, r.Config(), ""); got != old || len(*reported) != 0 {
			t.Errorf("without a change: got %s, reported %v, want %s", got, *reported, old)
		}
		want := writePair(t, dir, "a")
		if got := serverFingerprint(t, r.Config(), ""); got != old {
			t.Errorf("files were checked twice in a second: got %s, want %s", got, old)
		}
		time.Sleep(second)
		for range 3 {
			if got := serverFingerprint(t, r.Config(), ""); got != want {
				t.Errorf("got %s, want the new one, %s", got, want)
			}
			time.Sleep(second)
		}
		if len(*reported) != 1 || (*reported)[0] != nil {
			t.Errorf("reported %v, want one success", *reported)
		}
	})
}

func TestInvalidPairLeavesTheOldOneInUse(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  string
	}{
		{"garbage", func(t *testing.T, dir string) { replace(t, pair(dir, "a").Cert, []byte("garbage")) }, "PEM"},
		{"an empty key", func(t *testing.T, dir string) { replace(t, pair(dir, "a").Key, nil) }, "PEM"},
		{"a certificate without its key", func(t *testing.T, dir string) {
			writePair(t, dir, "b")
			if err := os.Rename(pair(dir, "b").Cert, pair(dir, "a").Cert); err != nil {
				t.Fatal(err)
			}
		}, "match"},
		{"a removed key", func(t *testing.T, dir string) {
			if err := os.Remove(pair(dir, "a").Key); err != nil {
				t.Fatal(err)
			}
		}, "a.key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := nettest.TempDir(t)
				old := writePair(t, dir, "a")
				r, reported := loaded(t, pair(dir, "a"))
				tt.spoil(t, dir)
				for range 3 {
					time.Sleep(second)
					if got := serverFingerprint(t, r.Config(), ""); got != old {
						t.Errorf("got %s, want the old one, %s", got, old)
					}
				}
				if len(*reported) != 1 || !strings.Contains((*reported)[0].Error(), tt.want) || !strings.Contains((*reported)[0].Error(), pair(dir, "a").Cert) {
					t.Errorf("reported %v, want one error with the name and %q", *reported, tt.want)
				}

				want := writePair(t, dir, "a")
				time.Sleep(second)
				if got := serverFingerprint(t, r.Config(), ""); got != want {
					t.Errorf("after the repair: got %s, want %s", got, want)
				}
				if len(*reported) != 2 || (*reported)[1] != nil {
					t.Errorf("after the repair: reported %v, want a success after it", *reported)
				}
			})
		})
	}
}

// Programs often replace one file of a pair after the other.
func TestPairIsUsedAfterBothFilesAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := nettest.TempDir(t)
		old := writePair(t, dir, "a")
		r, reported := loaded(t, pair(dir, "a"))
		want := writePair(t, dir, "b")
		for i, move := range []struct{ from, to, want string }{
			{pair(dir, "b").Key, pair(dir, "a").Key, old},
			{pair(dir, "b").Cert, pair(dir, "a").Cert, want},
		} {
			if err := os.Rename(move.from, move.to); err != nil {
				t.Fatal(err)
			}
			time.Sleep(second)
			if got := serverFingerprint(t, r.Config(), ""); got != move.want || len(*reported) != i+1 {
				t.Errorf("after %d files: got %s, reported %v, want %s", i+1, got, *reported, move.want)
			}
		}
	})
}

// certbot renews by moving a link.
func TestMovedLinkIsAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := nettest.TempDir(t)
		for _, archive := range []string{"1", "2"} {
			if err := os.Mkdir(filepath.Join(dir, archive), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		link := func(archive string) {
			t.Helper()
			live := filepath.Join(dir, "live")
			_ = os.Remove(live)
			if err := os.Symlink(archive, live); err != nil {
				t.Skip(err) // Windows needs a privilege
			}
		}
		writePair(t, filepath.Join(dir, "1"), "a")
		want := writePair(t, filepath.Join(dir, "2"), "a")
		link("1")
		r, _ := loaded(t, pair(filepath.Join(dir, "live"), "a"))
		link("2")
		time.Sleep(second)
		if got := serverFingerprint(t, r.Config(), ""); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestGetCertificateWhilePairsAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := nettest.TempDir(t)
		writePair(t, dir, "a")
		r, _ := loaded(t, pair(dir, "a"))
		for range 5 {
			writePair(t, dir, "a")
			time.Sleep(second)
			var clients sync.WaitGroup
			for range 20 {
				clients.Go(func() {
					if cert, err := r.GetCertificate(&tls.ClientHelloInfo{ServerName: "localhost"}); err != nil || cert.Leaf == nil {
						t.Errorf("got %v, %v", cert, err)
					}
				})
			}
			clients.Wait()
		}
	})
}

func TestEveryFileIsOpenedByOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, away := nettest.TempDir(t), nettest.TempDir(t)
		old := writePair(t, away, "a")
		p := pair(dir, "a") // which does not exist
		var opened []string
		r := &certs.Reloader{Pairs: []certs.Pair{p}, Open: func(name string) (*os.File, error) {
			opened = append(opened, filepath.Base(name))
			return os.Open(filepath.Join(away, filepath.Base(name)))
		}}
		if err := r.Load(); err != nil {
			t.Fatal(err)
		}
		if got := serverFingerprint(t, r.Config(), ""); got != old {
			t.Errorf("got %s, want %s", got, old)
		}
		want := writePair(t, away, "a")
		time.Sleep(second)
		if got := serverFingerprint(t, r.Config(), ""); got != want {
			t.Errorf("after a change: got %s, want %s", got, want)
		}
		if len(opened) < 6 {
			t.Errorf("opened %v, want each file twice to read it and once to check it", opened)
		}
	})
}
