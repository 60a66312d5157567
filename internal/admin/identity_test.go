package admin

import (
	"errors"
	"os"
	"testing"

	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/metrics"
)

func TestTheServerIsFoundAmongProcesses(t *testing.T) {
	nettest.CheckLeaks(t)
	h := &Handler{Live: new(live.Registry)}
	defer h.Close()
	here := h.Status().Server
	if onLinux && (here.Boot == "" || here.Start == 0) {
		t.Errorf("it is known as %q, %d, want both", here.Boot, here.Start)
	}
	for _, tt := range []struct {
		name   string
		change func(*Server)
		want   error
	}{
		{"it is this one", func(*Server) {}, nil},
		{"it is on a host with another kernel", func(s *Server) { s.Boot = "another" }, ErrElsewhere},
		{"it had this PID before us", func(s *Server) { s.Start-- }, ErrElsewhere},
		{"it has a PID that is another's here", func(s *Server) { s.PID = os.Getppid() }, ErrElsewhere},
		{"it has a PID that nobody has here", func(s *Server) { s.PID = 1<<31 - 2 }, ErrElsewhere},
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
