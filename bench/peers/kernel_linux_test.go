package peers

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/nettest"
)

func TestTheKernelAloneSendsTheFirstPartOfALargeFileAgainAndAgain(t *testing.T) {
	p := peer(t, "http", KernelAlone)
	s := setup(t, p)
	if err := os.WriteFile(filepath.Join(s.Dir, "small"), []byte("small"), 0o644); err != nil {
		t.Fatal(err)
	}
	nettest.CheckLeaks(t)
	server := run(t, p, s)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func(name string) (*http.Response, []byte) {
		t.Helper()
		rq, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(rq)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, body
	}
	region, err := io.ReadAll(io.LimitReader(nettest.Pattern(size), kernelRegion))
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat(region, size/kernelRegion+1)[:size]
	for range 3 { // on the same connection
		if _, got := get("a.bin"); !bytes.Equal(got, want) {
			t.Fatalf("got %d bytes, want %d of the region", len(got), len(want))
		}
	}
	for _, name := range []string{"small", "nothing", ""} {
		if resp, _ := get(name); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%q: got status %d, want 404", name, resp.StatusCode)
		}
	}
}
