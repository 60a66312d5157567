package metrics

// A Service is a service of Windows.
type Service struct {
	Name        string // short name, like "W32Time"
	DisplayName string
	Status      string // "stopped", "start_pending", "stop_pending", "running", "continue_pending", "pause_pending", "paused"
	PID         int    // 0: the service does not run
	Path        string // command that starts the service
	StartType   string // "automatic", "manual", "disabled", "boot", "system"
	Username    string // account that the service runs as; "" for drivers
	Description string
}

// Services returns the services of Windows. On other systems the error is
// errors.ErrUnsupported. Values that this user may not read are empty.
func (h Host) Services() ([]Service, error) { return h.services() }
