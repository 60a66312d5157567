package admin

import (
	"cmp"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"

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
	draining  = gauge(namespace+"draining", "1 while the server drains and accepts no new clients, else 0.")

	connections = counter(namespace+"connections_total", "Accepted connections.", "protocol")
	refused     = counter(namespace+"connections_refused_total", "Connections refused by a limit.", "protocol")
	requests    = counter(namespace+"requests_total", "Requests and transfers.", "protocol")
	sent        = counter(namespace+"sent_bytes_total", "Bytes sent to clients, by the method that moved them: sendfile, splice, copy.", "protocol", "method")
	received    = counter(namespace+"received_bytes_total", "Bytes received from clients, by the method that moved them: sendfile, splice, copy.", "protocol", "method")

	ended        = counter(namespace+"transfers_total", "Ended transfers, by method, result and what limited them. Small responses are not counted.", transferLabels...)
	endedBytes   = counter(namespace+"transfer_bytes_total", "Bytes of ended transfers.", transferLabels...)
	endedSeconds = counter(namespace+"transfer_seconds_total", "Total duration of ended transfers.", transferLabels...)

	sessions      = gauge(namespace+"sessions", "Connected clients, by state.", "protocol", "state")
	sessionsLimit = gauge(namespace+"sessions_limit", "Limit of sessions: in total, per address, per user, by FTP, and by FTP per address.", "scope")
	running       = gauge(namespace+"transfers_running", "Running transfers, by what limits them now.", "protocol", "direction", "cause")

	waiting      = gauge(namespace+"listener_backlog_connections", "Connections waiting to be accepted.", "protocol", "address")
	backlogLimit = gauge(namespace+"listener_backlog_limit", "Limit of connections waiting to be accepted.", "protocol", "address")
	drops        = counter(namespace+"listener_dropped_connections_total", "Connections refused by the kernel because the queue was full.", "protocol", "address")

	loopConnections = gauge(namespace+"http_loop_connections", "Connections of an event loop.", loopLabels...)
	loopSending     = gauge(namespace+"http_loop_sending", "Responses of an event loop that did not fit into the socket at once.", loopLabels...)
	loopAccepted    = counter(namespace+"http_loop_accepted_total", "Connections accepted by an event loop.", loopLabels...)
	loopSilent      = counter(namespace+"http_loop_silent_total", "Connections accepted by an event loop before their first request had come.", loopLabels...)
	loopTurns       = counter(namespace+"http_loop_turns_total", "Times that an event loop looked for something to do.", loopLabels...)
	loopWorkers     = counter(namespace+"http_loop_workers_total", "Waits that a goroutine has done for an event loop: for the disk, a limit of bandwidth or a slow log.", loopLabels...)
	loopReplaced    = counter(namespace+"http_loop_replaced_total", "Times that the thread of an event loop was stuck for 100 ms and replaced.", loopLabels...)

	poolSize     = gauge(namespace+"budget_units", "Units of something that clients share, such as turns to compute checksums.", "pool")
	poolInUse    = gauge(namespace+"budget_units_in_use", "Units that clients have.", "pool")
	poolWaiting  = gauge(namespace+"budget_waiting", "Requests that wait for units.", "pool")
	poolWaits    = counter(namespace+"budget_waits_total", "Waits for units that have ended. A long request has many.", "pool")
	poolWaited   = counter(namespace+"budget_wait_seconds_total", "Duration of these waits.", "pool")
	poolRefusals = counter(namespace+"budget_refusals_total", "Requests that were refused because of too many others.", "pool")

	mountHung    = gauge(namespace+"mount_hung", "Whether a file system does not answer, so that calls are refused. Absent: it never was.", "mount")
	mountCalls   = gauge(namespace+"mount_calls", "Calls of such a file system that have not returned.", "mount")
	mountRefused = counter(namespace+"mount_refused_calls_total", "Calls that were refused because the file system did not answer.", "mount")

	refusedUploads = counter(namespace+"uploads_refused_total", "Uploads and other changes refused by a quota or by the reserve of the disk.", "reason")

	logDropped = counter(namespace+"log_dropped_lines_total", "Lines of the log that were dropped because it could not be written.")

	passiveUsed  = gauge(namespace+"passive_ports_in_use", "Ports used by FTP data connections.")
	passiveTotal = gauge(namespace+"passive_ports_limit", "Ports available for FTP data connections.")

	cacheEntries = gauge(namespace+"file_cache_entries", "Names in the cache of open files.")
	cacheFiles   = gauge(namespace+"file_cache_open_files", "Descriptors in the cache of open files.")
	cacheMemory  = gauge(namespace+"file_cache_memory_bytes", "Content of small files kept in memory.")
	cacheOpens   = counter(namespace+"file_cache_opens_total", "File system look-ups of names.")

	loopLabels     = []string{"address", "loop"}
	transferLabels = []string{"protocol", "direction", "method", "result", "cause"}

	families = []family{
		buildInfo, draining, connections, refused, requests, sent, received, ended, endedBytes, endedSeconds,
		sessions, sessionsLimit, running, waiting, backlogLimit, drops,
		loopConnections, loopSending, loopAccepted, loopSilent, loopTurns, loopWorkers, loopReplaced,
		poolSize, poolInUse, poolWaiting, poolWaits, poolWaited, poolRefusals, mountHung, mountCalls, mountRefused, refusedUploads, logDropped,
		passiveUsed, passiveTotal,
		cacheEntries, cacheFiles, cacheMemory, cacheOpens,
	}
)

// registry returns the registry of all metrics.
func (h *Handler) registry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{h}, processCollector{h}, h.transfers.duration, h.transfers.rate, h.transfers.sync, collectors.NewGoCollector())
	reg.MustRegister(h.Store.collectors()...)
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

// emitKnown emits value, unless it is nil.
func emitKnown[N int | uint64 | float64](e emitter, f family, value *N, labels ...string) {
	if value != nil {
		e.emit(f, float64(*value), labels...)
	}
}

// collector converts the Status of a Handler to metrics.
type collector struct{ h *Handler }

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range slices.Concat(families, hostFamilies) {
		ch <- f.Desc
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	e, st := emitter(ch), c.h.Status()
	e.emit(buildInfo, 1, st.Server.Version, runtime.Version())
	e.emit(draining, map[bool]float64{true: 1}[st.Server.Draining])
	names := protocolNames(&st)
	e.totals(&st.Totals, names)
	e.sessions(st.Sessions, names)
	e.limits(st.Limits)
	e.server(&st.Server)
	e.host(st.Server.Host)
	if c.h.Loops != nil {
		e.loops(c.h.Loops())
	}
	if c.h.RefusedUploads != nil {
		for reason, n := range c.h.RefusedUploads() {
			e.emit(refusedUploads, float64(n), reason)
		}
	}
	if c.h.LogDropped != nil {
		e.emit(logDropped, float64(c.h.LogDropped()))
	}
}

// protocolNames returns the protocols that have a listener or had a connection: their
// counters start at 0.
func protocolNames(st *status.Status) (names []string) {
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
	used := make(map[string]status.ProtocolTotal)
	for _, p := range t.Protocols {
		used[p.Protocol] = p
	}
	for _, name := range protocols {
		p := used[name]
		e.emit(connections, float64(p.Connections), name)
		e.emit(refused, float64(p.Refused), name)
		e.emit(requests, float64(p.Requests), name)
	}
	for _, b := range t.Bytes {
		direction := sent
		if b.Direction == "in" {
			direction = received
		}
		e.emit(direction, float64(b.Bytes), b.Protocol, cmp.Or(b.Method, noMethod))
	}
	for _, x := range t.Transfers {
		labels := []string{x.Protocol, x.Direction, cmp.Or(x.Method, noMethod), x.Result, cmp.Or(x.Cause, noCause)}
		e.emit(ended, float64(x.Count), labels...)
		e.emit(endedBytes, float64(x.Bytes), labels...)
		e.emit(endedSeconds, x.Seconds, labels...)
	}
}

// Values of labels without a value.
const (
	noMethod = "none"
	noCause  = "unknown"
)

// states are the values of status.Session.State.
var states = []string{"sending", "receiving", "working", "login", "idle"}

func (e emitter) sessions(all []status.Session, protocols []string) {
	type sessionKey struct{ protocol, state string }
	type transferKey struct{ protocol, direction, cause string }
	byState, byCause := make(map[sessionKey]int), make(map[transferKey]int)
	for _, p := range protocols {
		for _, state := range states {
			byState[sessionKey{p, state}] = 0
		}
		for c := live.Unknown; c <= live.Store; c++ {
			byCause[transferKey{p, "in", c.String()}], byCause[transferKey{p, "out", c.String()}] = 0, 0
		}
	}
	for i := range all {
		s := &all[i]
		byState[sessionKey{s.Protocol, s.State}]++
		direction := "out"
		if s.State == "receiving" {
			direction = "in"
		}
		for j := range s.Transfers {
			byCause[transferKey{s.Protocol, direction, cmp.Or(s.Transfers[j].Cause, noCause)}]++
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

func (e emitter) loops(all []Loop) {
	for i := range all {
		l := &all[i]
		labels := []string{l.Address, strconv.Itoa(l.Number)}
		e.emit(loopConnections, float64(l.Connections), labels...)
		e.emit(loopSending, float64(l.Sending), labels...)
		e.emit(loopAccepted, float64(l.Accepted), labels...)
		e.emit(loopSilent, float64(l.Silent), labels...)
		e.emit(loopTurns, float64(l.Turns), labels...)
		e.emit(loopWorkers, float64(l.Workers), labels...)
		e.emit(loopReplaced, float64(l.Replaced), labels...)
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
	for i := range s.Budget {
		p := &s.Budget[i]
		name := strings.ReplaceAll(p.Name, " ", "_")
		e.emit(poolSize, float64(p.Size), name)
		e.emit(poolInUse, float64(p.InUse), name)
		e.emit(poolWaiting, float64(p.Waiting), name)
		e.emit(poolWaits, float64(p.Waits), name)
		e.emit(poolWaited, p.Waited, name)
		e.emit(poolRefusals, float64(p.Refused), name)
	}
	for _, m := range s.Mounts {
		hung := 0.0
		if m.Hung {
			hung = 1
		}
		e.emit(mountHung, hung, m.Point)
		e.emit(mountCalls, float64(m.Calls), m.Point)
		e.emit(mountRefused, float64(m.Refused), m.Point)
	}
	if c := s.Cache; c != nil {
		e.emit(cacheEntries, float64(c.Entries))
		e.emit(cacheFiles, float64(c.Files))
		e.emit(cacheMemory, float64(c.Memory))
		e.emit(cacheOpens, float64(c.Opens))
	}
}
