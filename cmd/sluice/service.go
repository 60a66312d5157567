package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// service is one server on one listener.
type service struct {
	scheme   string // of its URLs
	listener net.Listener
	server   interface {
		Serve(ln net.Listener) error
		Shutdown(ctx context.Context) error
	}
}

// urls returns where the service can be found.
func (s *service) urls() []string {
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		interfaces = nil // then the ones we know must do
	}
	return urls(s.scheme, s.listener.Addr().(*net.TCPAddr).AddrPort(), interfaces)
}

// run runs the services until one fails or stop receives, and then shuts all
// of them down. Transfers may go on for as long as drain, or until stop
// receives again.
func run(services []*service, stop <-chan os.Signal, drain time.Duration, logger *slog.Logger) error {
	failed := make(chan error, len(services))
	for _, s := range services {
		go func() { failed <- fmt.Errorf("%s: %w", s.scheme, s.server.Serve(s.listener)) }()
	}

	var failure error
	select {
	case failure = <-failed:
		logger.Error("a server failed, the others are shut down", "err", failure)
	case sig := <-stop:
		logger.Info("shutting down", "signal", sig.String(), "drain", drain)
	}

	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	shutdown(ctx, services, logger)
	return failure
}

// shutdown shuts all services down at once and blocks until they are.
func shutdown(ctx context.Context, services []*service, logger *slog.Logger) {
	var ending sync.WaitGroup
	for _, s := range services {
		ending.Go(func() {
			if err := s.server.Shutdown(ctx); err != nil {
				logger.Warn("transfers were cut", "server", s.scheme, "err", err)
			}
		})
	}
	ending.Wait()
	logger.Info("stopped")
}
