//go:build unix

package peers

import (
	"errors"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"sluice/internal/nettest"
)

// The URLs of the store have the signature that a library for stores makes.
func TestURLsOfTheStoreAreSigned(t *testing.T) {
	s := &Store{Endpoint: "http://127.0.0.1:7070", access: "AKIAKEY", secret: "topsecret"}
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		r, err := http.NewRequest(method, "http://127.0.0.1:7070/bench/dir/a-1.bin", nil)
		if err != nil {
			t.Fatal(err)
		}
		want := signer.PreSignV4(*r, s.access, s.secret, "", region, int64(signedFor.Seconds())).URL
		now, err := time.Parse("20060102T150405Z", want.Query().Get("X-Amz-Date"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := url.Parse(s.signed(method, "dir/a-1.bin", now))
		if err != nil {
			t.Fatal(err)
		}
		if got.Path != want.Path || got.Query().Encode() != want.Query().Encode() {
			t.Errorf("%s: got\n%s, want\n%s", method, got, want)
		}
	}
}

func TestAMissingStoreIsReportedWithWhatToDo(t *testing.T) {
	nettest.CheckLeaks(t)
	_, err := StartStore(t.Context(), t.TempDir()+"/none", t.TempDir(), nil)
	if !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "tools/versitygw.sh") {
		t.Errorf("got %v, want exec.ErrNotFound with advice", err)
	}
}

func TestPeersOfABucketNeedAStore(t *testing.T) {
	all := All("store")
	if len(all) < 4 || all[0].Name != "sluice" {
		t.Fatalf("got %d peers, want several, Sluice first", len(all))
	}
	for _, p := range all {
		server, err := p.Start(t.Context(), Setup{Dir: t.TempDir(), Work: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), "Setup.Store") {
			t.Errorf("%s: got %v, %v, want an error about Setup.Store", p.Name, server, err)
		}
	}
}
