package live_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// An upload has a cause only after a sample. It waits for the client, so it takes no
// samples itself.
func TestTheTimerSamplesEveryTransferOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r live.Registry
		s := enter(t, &r, at("192.0.2.1"))
		busy := enter(t, &r, at("192.0.2.2"))
		for _, between := range []time.Duration{0, 100 * time.Millisecond, time.Second, time.Minute} {
			for _, others := range []int{0, 1} {
				time.Sleep(between)
				for range others { // so that the timer does not stop
					defer busy.Begin(live.Job{Op: "PUT", Size: -1, Upload: true}).End(sendfile.Result{}, nil)
				}
				transfer := s.Begin(live.Job{Op: "PUT", Size: -1, Upload: true})
				transfer.Idle(true)
				time.Sleep(2 * time.Second)
				if got := s.Status().Transfers[0].Cause; got != "sender" {
					t.Errorf("%v after the last with %d others: cause %q, want sender", between, others, got)
				}
				transfer.Idle(false)
				transfer.End(sendfile.Result{}, nil)
			}
		}
		time.Sleep(2 * time.Second) // until the timer has stopped
	})
}

func TestASessionWithoutTransfersKeepsNoSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sessions, most = 1000, 200
		var r live.Registry
		all := make([]*live.Session, sessions)
		before := inUse()
		for i := range all {
			all[i] = enter(t, &r, clientNumber(i))
			all[i].Begin(live.Job{Op: "GET", Size: 1 << 20}).End(sendfile.Result{}, nil)
		}
		if got := (inUse() - before) / sessions; got < most+100 {
			t.Errorf("%d bytes for each session at first, want more with the samples", got)
		}
		time.Sleep(3 * time.Second) // until the timer has run
		if got := (inUse() - before) / sessions; got > most {
			t.Errorf("%d bytes for each session, want %d at most", got, most)
		}
		runtime.KeepAlive(all)
	})
}

func TestASessionThatHasLeftTakesNoMemory(t *testing.T) {
	for name, leave := range map[string]func(*live.Session, *live.Transfer){
		"after its transfer": func(s *live.Session, transfer *live.Transfer) {
			transfer.End(sendfile.Result{}, nil)
			s.Leave()
		},
		"during its transfer": func(s *live.Session, transfer *live.Transfer) {
			s.Leave()
			transfer.End(sendfile.Result{}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // so that the timer does not run
				const sessions, most = 1000, 100
				var r live.Registry
				before := inUse()
				for i := range sessions {
					s := enter(t, &r, clientNumber(i))
					leave(s, s.Begin(live.Job{Op: "GET", Size: 1 << 20}))
				}
				if got := (inUse() - before) / sessions; got > most {
					t.Errorf("%d bytes for each session, want %d at most", got, most)
				}
				time.Sleep(2 * time.Second) // until the timer has stopped
			})
		})
	}
}
