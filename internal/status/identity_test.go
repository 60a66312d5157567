package status

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"sluice/internal/nettest"
	"sluice/metrics"
)

func TestTheProcessOfTheServerIsOpened(t *testing.T) {
	nettest.CheckLeaks(t)
	self := metrics.Self()
	defer self.Close()
	here := ThisServer(self)
	if runtime.GOOS == "linux" && (here.Boot == "" || here.Start == 0) {
		t.Errorf("boot ID %q and start %d, want both", here.Boot, here.Start)
	}
	for _, tt := range []struct {
		name   string
		change func(*Server)
		want   error
	}{
		{"this process", func(*Server) {}, nil},
		{"a host with another boot ID", func(s *Server) { s.Boot = "another" }, ErrOtherHost},
		{"an earlier process with this PID", func(s *Server) { s.Start-- }, ErrOtherHost},
		{"the PID of another process", func(s *Server) { s.PID = os.Getppid() }, ErrOtherHost},
		{"a PID without a process", func(s *Server) { s.PID = 1<<31 - 2 }, ErrOtherHost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := here
			tt.change(&s)
			p, err := s.Open(metrics.Host{})
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			if got := p.ID().PID; got != os.Getpid() {
				t.Errorf("got the PID %d, want %d", got, os.Getpid())
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
