package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"sluice/internal/status"
	"sluice/metrics"
)

// The names on which Prometheus client libraries agree, and more.
var (
	processCPU      = counter("process_cpu_seconds_total", "CPU time, user and system.")
	processFDs      = gauge("process_open_fds", "Open file descriptors.")
	processMaxFDs   = gauge("process_max_fds", "Limit of open file descriptors.")
	processVMS      = gauge("process_virtual_memory_bytes", "Address space.")
	processRSS      = gauge("process_resident_memory_bytes", "Memory in RAM.")
	processStart    = gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.")
	processThreads  = gauge("process_threads", "Threads of the operating system.")
	processFaults   = counter("process_page_faults_total", "Page faults; major ones waited for a disk.", "type")
	processSwitches = counter("process_context_switches_total", "Context switches of all threads; at voluntary ones a thread waited.", "type")
	processRead     = counter("process_disk_read_bytes_total", "Bytes read from a disk.")
	processWritten  = counter("process_disk_written_bytes_total", "Bytes to be written to a disk.")

	processFamilies = []family{
		processCPU, processFDs, processMaxFDs, processVMS, processRSS, processStart, processThreads,
		processFaults, processSwitches, processRead, processWritten,
	}
)

// processCollector reports the readings of package metrics about this process, instead
// of client_golang's collector.
type processCollector struct{ h *Handler }

func (c processCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range processFamilies {
		ch <- f.Desc
	}
}

func (c processCollector) Collect(ch chan<- prometheus.Metric) {
	e := emitter(ch)
	s, maxFDs := status.ReadProcess(c.h.self)
	p := status.NewProcess(s, maxFDs)
	emitKnown(e, processCPU, p.CPU)
	emitKnown(e, processFDs, p.FDs)
	emitKnown(e, processMaxFDs, p.MaxFDs)
	emitKnown(e, processVMS, p.VMS)
	emitKnown(e, processRSS, p.RSS)
	emitKnown(e, processThreads, p.Threads)
	if s.Have.Has(metrics.FieldStarted) {
		e.emit(processStart, float64(s.Started.UnixMilli())/1e3)
	}
	if s.Have.Has(metrics.FieldFaults) {
		e.emit(processFaults, float64(s.Faults.Minor), "minor")
		e.emit(processFaults, float64(s.Faults.Major), "major")
	}
	if s.Have.Has(metrics.FieldSwitches) {
		e.emit(processSwitches, float64(s.Switches.Voluntary), "voluntary")
		e.emit(processSwitches, float64(s.Switches.Involuntary), "involuntary")
	}
	if s.Have.Has(metrics.FieldIO) && s.IO.Have.Has(metrics.IOBytes) {
		e.emit(processRead, float64(s.IO.ReadBytes))
		e.emit(processWritten, float64(s.IO.WriteBytes))
	}
}
