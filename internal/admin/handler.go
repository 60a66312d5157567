package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/internal/budget"
	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/internal/mounts"
	"sluice/internal/status"
	"sluice/metrics"
)

// Handler serves the operator. Set the fields before the first use; only Live is
// required. The caller calls Close.
type Handler struct {
	Live *live.Registry

	// Token is required of clients. With "" the listener must be on loopback or a
	// unix socket.
	Token string

	Version string // of the server
	Pprof   bool   // whether profiles are served

	// More to show. Nil functions are left out.
	Listeners    []Listener
	Cache        func() filecache.Stats
	PassivePorts func() (used, total int) // total 0: the system chooses the ports
	Contained    *status.Contained
	Loops        func() []Loop // event loops of HTTP

	Budget *budget.Budget // what clients share; nil: nothing is shown
	Mounts func() []mounts.State

	Store *Store        // requests to an object store; nil: there is none
	Ready func() string // why clients cannot be served now, for /healthz; "": they can

	RefusedUploads func() map[string]uint64 // by reason: quota-bytes, quota-files, disk-reserve, counting
	LogDropped     func() uint64            // lines of the log that were dropped

	// OnKill, if not nil, is called after a session was closed, with its ID and the
	// address of the client that requested it.
	OnKill func(id uint64, by string)

	once      sync.Once
	self      *metrics.Process
	queues    []queue
	mux       *http.ServeMux
	gatherer  prometheus.Gatherer
	transfers histograms
	draining  atomic.Bool
}

// Listener is a listener of the server, whose queue is shown. The caller closes it.
type Listener struct {
	Protocol string // as "https"
	Listener net.Listener
}

// Loop describes an event loop of HTTP.
type Loop struct {
	Address string // of its listener
	Number  int    // among those of the listener, from 0 on

	Connections, Sending                       int    // now
	Accepted, Silent, Turns, Workers, Replaced uint64 // since the start
}

// queue is a Listener whose backlog can be read.
type queue struct {
	protocol, address string
	backlog           func() (metrics.Backlog, error) // nil: the system reports nothing
}

func (h *Handler) prepare() {
	h.self = metrics.Self()
	for _, l := range h.Listeners {
		q := queue{protocol: l.Protocol, address: l.Listener.Addr().String()}
		switch ln := l.Listener.(type) {
		case interface {
			Backlog() (metrics.Backlog, error)
		}: // of several sockets, as that of package httpd
			q.backlog = ln.Backlog
		case syscall.Conn:
			if socket, err := metrics.NewSocket(ln); err == nil { // else the listener is closed
				q.backlog = socket.Backlog
			}
		}
		h.queues = append(h.queues, q)
	}
	h.transfers = newHistograms()
	h.gatherer = h.registry()
	h.mux = h.routes()
}

// Close releases what the Handler holds. It must not be used afterwards.
func (h *Handler) Close() error {
	h.once.Do(h.prepare)
	return h.self.Close()
}

// Drain makes /healthz answer 503, so that load balancers send no new clients.
func (h *Handler) Drain() { h.draining.Store(true) }

// OnTransfer is a hook for live.Registry. It observes the duration and the rate of
// transfers, but not of small responses.
func (h *Handler) OnTransfer(rec live.Record) {
	if !rec.Watched {
		return
	}
	h.once.Do(h.prepare)
	h.transfers.observe(&rec)
}

// OnSync observes the duration of a wait for the disk: for the names in a directory,
// or for the content of a file.
func (h *Handler) OnSync(directory bool, took time.Duration) {
	h.once.Do(h.prepare)
	h.transfers.observeSync(directory, took)
}

func (h *Handler) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", serveIndex)
	mux.Handle("GET /metrics", metricsHandler(h.gatherer))
	mux.HandleFunc("GET /status.json", h.serveStatus)
	mux.HandleFunc("DELETE /sessions/{id}", h.serveKill)
	if !h.Pprof {
		mux.HandleFunc("/debug/pprof/", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "profiles are switched off; start the server with --admin-pprof", http.StatusNotFound)
		})
		return mux
	}
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol) // the addresses may be too long for a URL
	return mux
}

// ServeHTTP implements http.Handler; see the package comment.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.once.Do(h.prepare)
	defer beginRequest(r.Context())()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.URL.Path == "/healthz":
		w.Header().Set("Connection", "close") // clients without a token must not keep a connection, see Limit
		h.serveHealth(w, r)
	case h.authorize(w, r):
		h.mux.ServeHTTP(w, r)
	}
}

func serveIndex(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "sluice\n\n/metrics\n/status.json\n/healthz\n/debug/pprof/\n")
}

// serveHealth answers ok also while a file system hangs, because another server would be no better off. The lines that
// follow name it to operators; others learn how many there are.
func (h *Handler) serveHealth(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if h.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "draining\n")
		return
	}
	if h.Ready != nil {
		if why := h.Ready(); why != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, why+"\n")
			return
		}
	}
	_, _ = io.WriteString(w, "ok\n")
	var hung []string
	if h.Mounts != nil {
		for _, m := range h.Mounts() {
			if m.Hung {
				hung = append(hung, m.Point)
			}
		}
	}
	if !h.isAuthorized(r) {
		if len(hung) > 0 {
			_, _ = fmt.Fprintf(w, "file systems that do not answer: %d\n", len(hung))
		}
		return
	}
	for _, point := range hung {
		_, _ = fmt.Fprintf(w, "file system does not answer: %q\n", point)
	}
}

func (h *Handler) serveStatus(w http.ResponseWriter, r *http.Request) {
	st := h.Status()
	if peers, _ := strconv.ParseBool(r.URL.Query().Get("peers")); peers {
		st.AddPeers()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(&st) // fails only if the client has disconnected
}

func (h *Handler) serveKill(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		http.Error(w, "the ID of a session must be a number", http.StatusBadRequest)
		return
	}
	if !h.Live.Kill(id) {
		http.Error(w, "no such session", http.StatusNotFound)
		return
	}
	if h.OnKill != nil {
		h.OnKill(id, r.RemoteAddr)
	}
	w.WriteHeader(http.StatusNoContent)
}
