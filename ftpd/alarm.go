package ftpd

import "time"

// alarm is a reason to end a session that nothing else would end.
type alarm int

const (
	alarmLogin   alarm = iota // not logged in for too long
	alarmSession              // here for too long
	alarmCount
)

// setAlarm calls f after d, on a goroutine of its own, unless the alarm is set
// again or stopped before, or the session ends.
func (s *session) setAlarm(a alarm, d time.Duration, f func()) {
	if d <= 0 { // no bound
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.alarms[a]; t != nil {
		t.Reset(d)
		return
	}
	s.alarms[a] = time.AfterFunc(d, f)
}

func (s *session) stopAlarm(a alarm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopAlarmLocked(a)
}

func (s *session) stopAlarmLocked(a alarm) {
	if t := s.alarms[a]; t != nil {
		t.Stop()
	}
}
