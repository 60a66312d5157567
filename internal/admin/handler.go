package admin

import (
	"encoding/json"
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

	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/internal/status"
	"sluice/metrics"
)

// Handler answers the operator. Set the fields before it is used; only Live
// must be. Whoever has used one must Close it.
type Handler struct {
	Live *live.Registry

	// Token is what a client must show. "" lets in whoever reaches the
	// listener, which is then to be on loopback or in the file system.
	Token string

	Version string // of the server
	Pprof   bool   // whether profiles are served

	// What else is shown. Nil functions leave it out.
	Listeners    []Listener
	Cache        func() filecache.Stats
	PassivePorts func() (used, total int) // total 0: whichever the system gives
	Contained    *status.Contained

	// OnKill, if not nil, is called after a session was cut, with its ID and the
	// address of who asked for it.
	OnKill func(id uint64, by string)

	once      sync.Once
	self      *metrics.Process
	listeners []listener
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

// listener is a Listener as it is asked.
type listener struct {
	protocol, address string
	socket            *metrics.Socket // nil: the system tells nothing of it
}

func (h *Handler) prepare() {
	h.self = metrics.Self()
	for _, d := range h.Listeners {
		l := listener{protocol: d.Protocol, address: d.Listener.Addr().String()}
		if sc, ok := d.Listener.(syscall.Conn); ok {
			l.socket, _ = metrics.NewSocket(sc) // an error means that it is closed
		}
		h.listeners = append(h.listeners, l)
	}
	h.transfers = newHistograms()
	h.gatherer = h.registry()
	h.mux = h.routes()
}

// Close gives back what the Handler holds. It is not to be used after that.
func (h *Handler) Close() error {
	h.once.Do(h.prepare)
	return h.self.Close()
}

// Drain makes /healthz tell that nobody new is to be sent here.
func (h *Handler) Drain() { h.draining.Store(true) }

// OnTransfer is for live.Registry: it notes how long transfers take and how
// fast they are. Small responses and transfers are passed over.
func (h *Handler) OnTransfer(rec live.Record) {
	if !rec.Watched {
		return
	}
	h.once.Do(h.prepare)
	h.transfers.observe(&rec)
}

// OnSync notes how long a wait for the disk has taken: for names in a directory, or for
// the content of a file.
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
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol) // a question too long for a URL
	return mux
}

// ServeHTTP answers as the package comment says.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.once.Do(h.prepare)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.URL.Path == "/healthz":
		w.Header().Set("Connection", "close") // strangers hold no place, see Limit
		h.serveHealth(w)
	case h.admits(w, r):
		h.mux.ServeHTTP(w, r)
	}
}

func serveIndex(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "sluice\n\n/metrics\n/status.json\n/healthz\n/debug/pprof/\n")
}

func (h *Handler) serveHealth(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if h.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "draining\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

func (h *Handler) serveStatus(w http.ResponseWriter, r *http.Request) {
	st := h.Status()
	if peers, _ := strconv.ParseBool(r.URL.Query().Get("peers")); peers {
		st.AddPeers()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(&st) // fails only if the client is gone
}

func (h *Handler) serveKill(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		http.Error(w, "the ID of a session is a number", http.StatusBadRequest)
		return
	}
	if !h.Live.Kill(id) {
		http.Error(w, "there is no such session", http.StatusNotFound)
		return
	}
	if h.OnKill != nil {
		h.OnKill(id, r.RemoteAddr)
	}
	w.WriteHeader(http.StatusNoContent)
}
