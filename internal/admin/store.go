package admin

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Store counts the requests of the server to an object store, for Handler.Store. Make it by NewStore.
type Store struct {
	// Cache describes the cache of objects on a local disk; nil: there is none. Set it before the Handler is used.
	Cache func() CacheStats

	connections func() int
	duration    *prometheus.HistogramVec
	requests    *prometheus.CounterVec
}

// StoreResults are what Observe takes for the result of a request: those from "busy" on are tried again.
var StoreResults = []string{"ok", "absent", "refused", "cancelled", "busy", "failed", "unanswered"}

// NewStore returns a Store for requests for these operations. connections returns how many connections are in use now.
func NewStore(operations []string, connections func() int) *Store {
	s := &Store{
		connections: connections,
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    namespace + "store_request_duration_seconds",
			Help:    "Time until the object store began to answer a request.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 30},
		}, []string{"operation"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: namespace + "store_requests_total",
			Help: "Requests to the object store, each attempt counted. Those that were busy, failed or unanswered are tried again, up to 3 times.",
		}, []string{"operation", "result"}),
	}
	for _, op := range operations { // from the start on, so that alerts see a 0
		s.duration.WithLabelValues(op)
		for _, result := range StoreResults {
			s.requests.WithLabelValues(op, result)
		}
	}
	return s
}

// Observe counts a request for an operation, with its result and the time until its answer began.
func (s *Store) Observe(operation, result string, took time.Duration) {
	s.duration.WithLabelValues(operation).Observe(took.Seconds())
	s.requests.WithLabelValues(operation, result).Inc()
}

// collectors returns what a registry shows; none for nil.
func (s *Store) collectors() []prometheus.Collector {
	if s == nil {
		return nil
	}
	inUse := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: namespace + "store_connections_in_use",
		Help: "Connections to the object store with a request that is under way.",
	}, func() float64 { return float64(s.connections()) })
	all := []prometheus.Collector{s.duration, s.requests, inUse}
	if s.Cache == nil {
		return all
	}
	for _, m := range cacheMetrics {
		value := func() float64 { return m.value(s.Cache()) }
		name := namespace + "store_cache_" + m.name
		if strings.HasSuffix(name, "_total") {
			all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: m.help}, value))
		} else {
			all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: m.help}, value))
		}
	}
	return all
}

// CacheStats has the fields of s3fs.CacheStats.
type CacheStats struct {
	Files         int
	Size, MaxSize int64

	Hits, Misses, Fills, Fetched, Evictions, Failures int64
}

var cacheMetrics = []struct {
	name, help string
	value      func(CacheStats) float64
}{
	{"objects", "Whole objects in the cache.", func(s CacheStats) float64 { return float64(s.Files) }},
	{"bytes", "Bytes of the disk that the cache uses or has set aside.", func(s CacheStats) float64 { return float64(s.Size) }},
	{"max_bytes", "Bytes of the disk that the cache may use.", func(s CacheStats) float64 { return float64(s.MaxSize) }},
	{"hits_total", "Objects that were opened and were in the cache. Their bytes are sent by sendfile.", func(s CacheStats) float64 { return float64(s.Hits) }},
	{"misses_total", "Objects that were opened and were not in the cache, although it could have them.", func(s CacheStats) float64 { return float64(s.Misses) }},
	{"fills_total", "Objects that have got into the cache.", func(s CacheStats) float64 { return float64(s.Fills) }},
	{"fetched_bytes_total", "Bytes that came from the store for the cache.", func(s CacheStats) float64 { return float64(s.Fetched) }},
	{"evictions_total", "Objects that were removed from the cache for others.", func(s CacheStats) float64 { return float64(s.Evictions) }},
	{"failures_total", "Errors of the disk of the cache.", func(s CacheStats) float64 { return float64(s.Failures) }},
}
