package metrics

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

func (h Host) services() ([]Service, error) {
	// mgr.Connect would ask for all rights, which few have.
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
		services = append(services, askService(manager, name))
	}
	return services, nil
}

func askService(manager windows.Handle, name string) Service {
	answer := Service{Name: name}
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return answer
	}
	handle, err := windows.OpenService(manager, p, windows.SERVICE_QUERY_CONFIG|windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return answer
	}
	s := mgr.Service{Name: name, Handle: handle}
	defer s.Close()
	if c, err := s.Config(); err == nil {
		answer.DisplayName, answer.Path, answer.Username = c.DisplayName, c.BinaryPathName, c.ServiceStartName
		answer.Description = c.Description
		answer.StartType = startTypes[c.StartType]
	}
	if st, err := s.Query(); err == nil {
		answer.Status, answer.PID = serviceStates[st.State], int(st.ProcessId)
	}
	return answer
}

// The names are psutil's.
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
