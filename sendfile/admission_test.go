package sendfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// admission counts calls, and refuses those after the first most ones.
type admission struct {
	most    int64
	entered atomic.Int64
	inside  atomic.Int64
}

var errRefused = errors.New("refused")

func (a *admission) Enter() error {
	if a.entered.Add(1) > a.most {
		return errRefused
	}
	a.inside.Add(1)
	return nil
}

func (a *admission) Leave() { a.inside.Add(-1) }

func TestCallsOfTheFileAreAdmitted(t *testing.T) {
	const size = 3 << 20
	for _, tt := range []struct {
		name    string
		method  sendfile.Method
		receive bool
	}{
		{"sendfile", sendfile.Sendfile, false}, {"a copy to the client", sendfile.Copy, false},
		{"splice", sendfile.Splice, true}, {"a copy from the client", sendfile.Copy, true},
	} {
		for _, most := range []int64{1 << 20, 2} {
			name := tt.name
			if most == 2 {
				name += " is refused"
			}
			t.Run(name, func(t *testing.T) {
				file, err := os.Create(filepath.Join(nettest.TempDir(t), "f"))
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				if err := file.Truncate(size); err != nil {
					t.Fatal(err)
				}
				server, client := nettest.Pair(t)
				a := &admission{most: most}
				opt := &sendfile.Options{Method: tt.method, Disk: a}
				var res sendfile.Result
				if tt.receive {
					go func() {
						_, _ = client.Write(make([]byte, size))
						_ = client.CloseWrite()
					}()
					res, err = sendfile.Receive(t.Context(), file, server, 0, size, opt)
				} else {
					go func() { _, _ = io.Copy(io.Discard, client) }()
					res, err = sendfile.Send(t.Context(), server, file, 0, size, opt)
				}
				var e *sendfile.Error
				switch isRefused := errors.As(err, &e) && e.Side == sendfile.File && errors.Is(err, errRefused); {
				case most == 2 && !isRefused:
					t.Errorf("got %v, want %v on the side of the file", err, errRefused)
				case most > 2 && (err != nil || res.Sent != size):
					t.Errorf("moved %d bytes, %v", res.Sent, err)
				}
				if a.inside.Load() != 0 || a.entered.Load() < 3 {
					t.Errorf("%d calls, of which %d have not left", a.entered.Load(), a.inside.Load())
				}
			})
		}
	}
}
