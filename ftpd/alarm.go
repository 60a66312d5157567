package ftpd

import "time"

// alarm is a reason to end a session that nothing else would end.
type alarm int

const (
	alarmLogin   alarm = iota // not logged in for too long
	alarmListing              // a listing does not move
	alarmDrained              // the last transfer is over, and its reply overdue
	alarmCut                  // cut, but the library has not noticed
	alarmCount
)

// setAlarm calls f after d, on a goroutine of its own, unless the alarm is set
// again or stopped before, or the session ends.
func (s *session) setAlarm(a alarm, d time.Duration, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setAlarmLocked(a, d, f)
}

func (s *session) setAlarmLocked(a alarm, d time.Duration, f func()) {
	if s.departed {
		return // the library is ending it
	}
	if t := s.alarms[a]; t != nil {
		t.Reset(d)
		return
	}
	s.alarms[a] = time.AfterFunc(d, f)
}

func (s *session) stopAlarmLocked(a alarm) {
	if t := s.alarms[a]; t != nil {
		t.Stop()
	}
}
