package admin

import (
	"cmp"
	"net/http"
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sluice/internal/live"
	"sluice/internal/status"
)

const namespace = "sluice_"

// family is the name, type, help and labels of metrics.
type family struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue}
}

var (
	buildInfo = gauge(namespace+"build_info", "Always 1: the version of the server and of Go.", "version", "goversion")
	draining  = gauge(namespace+"draining", "1 if nobody new is let in, else 0.")

	connections = counter(namespace+"connections_total", "Connections that were let in.", "protocol")
	refused     = counter(namespace+"connections_refused_total", "Connections that a limit has kept out.", "protocol")
	requests    = counter(namespace+"requests_total", "Requests and commands that were served.", "protocol")
	sent        = counter(namespace+"sent_bytes_total", "Bytes sent to clients, by the method that moved them: sendfile, splice, copy.", "protocol", "method")
	received    = counter(namespace+"received_bytes_total", "Bytes received from clients, by the method that moved them: sendfile, splice, copy.", "protocol", "method")

	ended        = counter(namespace+"transfers_total", "Transfers that have ended, by method, result and what held them back. Small answers are no transfers.", transferLabels...)
	endedBytes   = counter(namespace+"transfer_bytes_total", "Bytes of transfers that have ended.", transferLabels...)
	endedSeconds = counter(namespace+"transfer_seconds_total", "Time that transfers took which have ended.", transferLabels...)

	sessions      = gauge(namespace+"sessions", "Clients that are connected, by what they do.", "protocol", "state")
	sessionsLimit = gauge(namespace+"sessions_limit", "As many sessions are let in: in all, of one address, of one user; by FTP, and of these of one address.", "scope")
	running       = gauge(namespace+"transfers_running", "Transfers under way, by what holds them back now.", "protocol", "direction", "cause")

	waiting      = gauge(namespace+"listener_backlog_connections", "Connections that wait to be accepted.", "protocol", "address")
	backlogLimit = gauge(namespace+"listener_backlog_limit", "As many connections may wait to be accepted.", "protocol", "address")
	drops        = counter(namespace+"listener_dropped_connections_total", "Connections that the kernel has refused because too many waited.", "protocol", "address")

	passiveUsed  = gauge(namespace+"passive_ports_in_use", "Ports that FTP data connections use.")
	passiveTotal = gauge(namespace+"passive_ports_limit", "Ports that FTP data connections may use.")

	cacheEntries = gauge(namespace+"file_cache_entries", "Names that the cache of open files remembers.")
	cacheFiles   = gauge(namespace+"file_cache_open_files", "Descriptors that the cache of open files holds.")
	cacheMemory  = gauge(namespace+"file_cache_memory_bytes", "Content of small files that is kept in memory.")
	cacheOpens   = counter(namespace+"file_cache_opens_total", "Times that the disk was asked for a name.")

	transferLabels = []string{"protocol", "direction", "method", "result", "cause"}

	families = []family{
		buildInfo, draining, connections, refused, requests, sent, received, ended, endedBytes, endedSeconds,
		sessions, sessionsLimit, running, waiting, backlogLimit, drops, passiveUsed, passiveTotal,
		cacheEntries, cacheFiles, cacheMemory, cacheOpens,
	}
)

// registry returns all that /metrics tells.
func (h *Handler) registry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{h}, processCollector{h}, h.transfers.duration, h.transfers.rate, h.transfers.sync, collectors.NewGoCollector())
	return reg
}

func metricsHandler(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// emitter sends metrics to a scrape.
type emitter chan<- prometheus.Metric

func (e emitter) emit(f family, value float64, labels ...string) {
	e <- prometheus.MustNewConstMetric(f.Desc, f.kind, value, labels...)
}

// emitKnown leaves out what is absent.
func emitKnown[N int | uint64 | float64](e emitter, f family, value *N, labels ...string) {
	if value != nil {
		e.emit(f, float64(*value), labels...)
	}
}

// collector tells the Status of a Handler.
type collector struct{ h *Handler }

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range families {
		ch <- f.Desc
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	e, st := emitter(ch), c.h.Status()
	e.emit(buildInfo, 1, st.Server.Version, runtime.Version())
	e.emit(draining, map[bool]float64{true: 1}[st.Server.Draining])
	names := protocols(&st)
	e.totals(&st.Totals, names)
	e.sessions(st.Sessions, names)
	e.limits(st.Limits)
	e.server(&st.Server)
}

// protocols returns the names of those that are listened for or were spoken:
// what there is none of, of these, is 0. Prometheus counts from there, and has
// no alarm for what is missing.
func protocols(st *status.Status) (names []string) {
	for _, l := range st.Server.Listeners {
		names = append(names, l.Protocol)
	}
	for _, p := range st.Totals.Protocols {
		names = append(names, p.Protocol)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (e emitter) totals(t *status.Totals, protocols []string) {
	spoken := make(map[string]status.ProtocolTotal)
	for _, p := range t.Protocols {
		spoken[p.Protocol] = p
	}
	for _, name := range protocols {
		p := spoken[name]
		e.emit(connections, float64(p.Connections), name)
		e.emit(refused, float64(p.Refused), name)
		e.emit(requests, float64(p.Requests), name)
	}
	for _, b := range t.Bytes {
		way := sent
		if b.Direction == "in" {
			way = received
		}
		e.emit(way, float64(b.Bytes), b.Protocol, cmp.Or(b.Method, noMethod))
	}
	for _, x := range t.Transfers {
		labels := []string{x.Protocol, x.Direction, cmp.Or(x.Method, noMethod), x.Result, cmp.Or(x.Cause, noCause)}
		e.emit(ended, float64(x.Count), labels...)
		e.emit(endedBytes, float64(x.Bytes), labels...)
		e.emit(endedSeconds, x.Seconds, labels...)
	}
}

// What labels show where nothing is known.
const (
	noMethod = "none"
	noCause  = "unknown"
)

// states are those of a status.Session.
var states = []string{"sending", "receiving", "working", "login", "idle"}

func (e emitter) sessions(all []status.Session, protocols []string) {
	type doing struct{ protocol, state string }
	type moving struct{ protocol, direction, cause string }
	byState, byCause := make(map[doing]int), make(map[moving]int)
	for _, p := range protocols {
		for _, state := range states {
			byState[doing{p, state}] = 0
		}
		for c := live.Unknown; c <= live.RateLimit; c++ {
			byCause[moving{p, "in", c.String()}], byCause[moving{p, "out", c.String()}] = 0, 0
		}
	}
	for i := range all {
		s := &all[i]
		byState[doing{s.Protocol, s.State}]++
		direction := "out"
		if s.State == "receiving" {
			direction = "in"
		}
		for j := range s.Transfers {
			byCause[moving{s.Protocol, direction, cmp.Or(s.Transfers[j].Cause, noCause)}]++
		}
	}
	for d, n := range byState {
		e.emit(sessions, float64(n), d.protocol, d.state)
	}
	for m, n := range byCause {
		e.emit(running, float64(n), m.protocol, m.direction, m.cause)
	}
}

func (e emitter) limits(l status.Limits) {
	for scope, limit := range map[string]int{
		"all": l.Conns, "address": l.ConnsPerAddr, "user": l.ConnsPerUser, "ftp": l.FTPConns, "ftp_address": l.FTPConnsPerAddr,
	} {
		if limit > 0 {
			e.emit(sessionsLimit, float64(limit), scope)
		}
	}
}

func (e emitter) server(s *status.Server) {
	for _, l := range s.Listeners {
		emitKnown(e, waiting, l.Waiting, l.Protocol, l.Address)
		emitKnown(e, backlogLimit, l.Backlog, l.Protocol, l.Address)
		emitKnown(e, drops, l.Drops, l.Protocol, l.Address)
	}
	if p := s.Passive; p != nil {
		e.emit(passiveUsed, float64(p.Used))
		if p.Total > 0 {
			e.emit(passiveTotal, float64(p.Total))
		}
	}
	if c := s.Cache; c != nil {
		e.emit(cacheEntries, float64(c.Entries))
		e.emit(cacheFiles, float64(c.Files))
		e.emit(cacheMemory, float64(c.Memory))
		e.emit(cacheOpens, float64(c.Opens))
	}
}
