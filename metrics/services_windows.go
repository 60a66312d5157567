package metrics

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

func (h Host) services() ([]Service, error) {
	// Not mgr.Connect, which requests all rights; few users have them.
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_ENUMERATE_SERVICE)
	if err != nil {
		return nil, fmt.Errorf("metrics: services: %w", os.NewSyscallError("openscmanager", err))
	}
	m := mgr.Mgr{Handle: manager}
	defer m.Disconnect()
	names, err := m.ListServices()
	if err != nil {
		return nil, fmt.Errorf("metrics: services: %w", err)
	}
	services := make([]Service, 0, len(names))
	for _, name := range names {
		services = append(services, readService(manager, name))
	}
	return services, nil
}

// readService returns the values of a service that this user may read.
func readService(manager windows.Handle, name string) Service {
	service := Service{Name: name}
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return service
	}
	handle, err := windows.OpenService(manager, p, windows.SERVICE_QUERY_CONFIG|windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return service
	}
	s := mgr.Service{Name: name, Handle: handle}
	defer s.Close()
	if c, err := s.Config(); err == nil {
		service.DisplayName, service.Path, service.Username = c.DisplayName, c.BinaryPathName, c.ServiceStartName
		service.Description = c.Description
		service.StartType = startTypes[c.StartType]
	}
	if st, err := s.Query(); err == nil {
		service.Status, service.PID = serviceStates[st.State], int(st.ProcessId)
	}
	return service
}

// The names that psutil uses.
var (
	serviceStates = map[svc.State]string{
		svc.Stopped:         "stopped",
		svc.StartPending:    "start_pending",
		svc.StopPending:     "stop_pending",
		svc.Running:         "running",
		svc.ContinuePending: "continue_pending",
		svc.PausePending:    "pause_pending",
		svc.Paused:          "paused",
	}
	startTypes = map[uint32]string{
		windows.SERVICE_AUTO_START:   "automatic",
		windows.SERVICE_DEMAND_START: "manual",
		windows.SERVICE_DISABLED:     "disabled",
		windows.SERVICE_BOOT_START:   "boot",
		windows.SERVICE_SYSTEM_START: "system",
	}
)
