package httpd_test

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"sluice/httpd"
	"sluice/internal/nettest"
)

func TestLoopStats(t *testing.T) {
	nettest.CheckLeaks(t)
	dir := nettest.TempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		noLoop bool
		loops  bool
	}{
		{"of event loops", false, runtime.GOOS == "linux"},
		{"without event loops", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root, err := httpd.Dir(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			handler := httpd.FileServer(root)
			defer handler.Close()
			srv := &httpd.Server{Handler: handler, NoLoop: tt.noLoop}
			if got := srv.LoopStats(); got != nil {
				t.Errorf("before Serve there are %+v", got)
			}
			ln := listen(t, "tcp", "127.0.0.1:0")
			served := make(chan error, 1)
			go func() { served <- srv.Serve(ln) }()
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			if _, body := get(t, client, "http://"+ln.Addr().String()+"/a"); body != "content" {
				t.Errorf("got %q", body)
			}
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-served

			all := srv.LoopStats()
			if !tt.loops {
				if all != nil {
					t.Errorf("got %+v, want none", all)
				}
				return
			}
			if len(all) != ln.Loops() {
				t.Fatalf("%d loops, want %d", len(all), ln.Loops())
			}
			var accepted, worked uint64
			for i, one := range all {
				if one.Listener.String() != ln.Addr().String() || one.Loop != i || one.Connections != 0 || one.Sending != 0 || one.Replaced != 0 {
					t.Errorf("loop %d is %+v", i, one)
				}
				accepted += one.Accepted
				worked += one.Worked
			}
			if accepted != 1 || worked != 1 {
				t.Errorf("%d connections and %d workers, want 1 of each", accepted, worked)
			}
		})
	}
}
