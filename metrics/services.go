package metrics

// A Service is a service of Windows.
type Service struct {
	Name        string // short, as "W32Time"
	DisplayName string
	Status      string // "stopped", "start_pending", "stop_pending", "running", "continue_pending", "pause_pending", "paused"
	PID         int    // 0: it does not run
	Path        string // command that starts it
	StartType   string // "automatic", "manual", "disabled", "boot", "system"
	Username    string // for whom it runs; drivers have none
	Description string
}

// Services returns the services of Windows, and an error that is
// errors.ErrUnsupported elsewhere. It only asks; what it may not ask of a
// service is empty.
func (h Host) Services() ([]Service, error) { return h.services() }
