package metrics

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

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
	service.readConfig(handle)
	if st, err := s.Query(); err == nil {
		service.Status, service.PID = serviceStates[st.State], int(st.ProcessId)
	}
	return service
}

// readConfig makes each query on its own, unlike mgr.Service.Config: one that a
// system lacks, as wine does, then costs only its own values.
func (s *Service) readConfig(handle windows.Handle) {
	b, err := query(func(b *byte, size uint32, needed *uint32) error {
		return windows.QueryServiceConfig(handle, (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(b)), size, needed)
	})
	if err == nil {
		c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(unsafe.SliceData(b)))
		s.DisplayName = windows.UTF16PtrToString(c.DisplayName)
		s.Path = windows.UTF16PtrToString(c.BinaryPathName)
		s.Username = windows.UTF16PtrToString(c.ServiceStartName)
		s.StartType = startTypes[c.StartType]
	}
	b, err = query(func(b *byte, size uint32, needed *uint32) error {
		return windows.QueryServiceConfig2(handle, windows.SERVICE_CONFIG_DESCRIPTION, b, size, needed)
	})
	if err == nil {
		s.Description = windows.UTF16PtrToString((*windows.SERVICE_DESCRIPTION)(unsafe.Pointer(unsafe.SliceData(b))).Description)
	}
	runtime.KeepAlive(b)
}

// query calls a function that fills a buffer, and grows the buffer until the answer
// fits. The answer begins with a struct that has pointers into the buffer.
func query(call func(b *byte, size uint32, needed *uint32) error) ([]byte, error) {
	const largest = 8 << 10         // of an answer, by the documentation of QueryServiceConfig
	words := make([]uint64, 1024/8) // aligned for the struct
	for {
		size := uint32(8 * len(words))
		b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
		err := call(&b[0], size, &size)
		if err == nil {
			return b, nil
		}
		if !errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) || 8*len(words) >= largest {
			return nil, err
		}
		words = make([]uint64, largest/8)
	}
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
