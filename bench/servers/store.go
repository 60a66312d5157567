package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"sluice/bench"
	"sluice/bench/load"
	"sluice/bench/peers"
	"sluice/bench/proc"
)

// startStore starts the object store, on the processors of the client, and puts the files of its workloads into the bucket.
func (m *comparison) startStore(ctx context.Context, dir string) (err error) {
	if m.store, err = peers.StartStore(ctx, m.StoreProgram, dir, nil); err != nil {
		return err
	}
	made := map[string]bool{}
	for _, w := range m.Workloads {
		for _, f := range w.Files {
			if w.Scheme != storeScheme || made[f.Name] {
				continue
			}
			made[f.Name] = true
			if err := m.store.Put(ctx, f.Name, f.Size, f.content()); err != nil {
				return err
			}
		}
	}
	return nil
}

// addStore adds what the store has used, and the memory of each process of the server.
func (c *cell) addStore(used proc.Used, server proc.Usage, res *load.Result) {
	cpu := used.CPU().Seconds()
	if c.perGB && res.Bytes > 0 {
		c.add("store-cpu-s/GB", bench.Lower, cpu/(float64(res.Bytes)/1e9))
	}
	if c.perRequest && res.Requests > 0 {
		c.add("store-cpu-s/100k", bench.Lower, cpu/(float64(res.Requests)/1e5))
	}
	if server.Have.Has(proc.HavePSS) {
		c.add("MiB/process", bench.Lower, float64(server.PSS)/(1<<20)/float64(len(c.server.All())))
	}
}

// runAll runs jobs at the same time, and returns the sum of their results. Only the hooks of the first are called, so the
// jobs must take equally long.
func runAll(ctx context.Context, jobs []load.Job) (*load.Result, error) {
	results, errs := make([]*load.Result, len(jobs)), make([]error, len(jobs))
	var all sync.WaitGroup
	for i, job := range jobs {
		all.Go(func() { results[i], errs[i] = load.Run(ctx, job) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	sum := results[0]
	for _, res := range results[1:] {
		sum.Requests += res.Requests
		sum.Bytes += res.Bytes
		sum.Unfinished += res.Unfinished
		sum.Verified += res.Verified
		sum.Latency.Merge(res.Latency)
		for what, n := range res.Errors {
			sum.Errors[what] += n
		}
	}
	return sum, nil
}

// countStoreRequests adds to each cell how many requests to the store a request of a client leads to. It starts each server
// once more, with a proxy before the store that counts; that costs time, so nothing is measured meanwhile.
func (m *comparison) countStoreRequests(ctx context.Context) error {
	target, err := url.Parse(m.store.Endpoint)
	if err != nil {
		return err
	}
	var count atomic.Int64
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			count.Add(1)
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := &http.Server{Handler: proxy}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(ln)
	}()
	defer func() {
		_ = server.Close()
		<-done
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	}()
	behind := m.store.At("http://" + ln.Addr().String())
	for _, r := range m.running {
		if r.peer.Scheme != storeScheme || ctx.Err() != nil {
			continue
		}
		setup := r.setup
		setup.Store = behind
		setup.Work = filepath.Join(setup.Work, "counted")
		if err := os.MkdirAll(setup.Work, 0o755); err != nil {
			return err
		}
		if err := m.countFor(ctx, r, setup, &count); err != nil {
			m.notes = append(m.notes, fmt.Sprintf("%s: the requests to the store are not counted: %v", r.peer.Name, err))
		}
	}
	return context.Cause(ctx)
}

// countFor counts for one server, under the load of each workload.
func (m *comparison) countFor(ctx context.Context, r *running, setup peers.Setup, count *atomic.Int64) error {
	server, err := r.peer.Start(ctx, setup)
	if err != nil {
		return err
	}
	defer server.Stop()
	for i, w := range m.Workloads {
		for _, c := range m.cells[i] {
			if c.subject != r.peer.Name || w.Scheme != storeScheme || c.out {
				continue
			}
			ratio, err := countUnder(ctx, w, server, count)
			if err != nil {
				return err
			}
			c.add("store-req/GET", bench.Lower, ratio)
		}
	}
	return nil
}

// countUnder returns by how much count grows for each request of the workload, when the server has had each file once.
func countUnder(ctx context.Context, w Workload, server *peers.Server, count *atomic.Int64) (float64, error) {
	each := 25 // requests of a client, so that those that are cut off at the end hardly count
	if w.isBulk() {
		each = 5
	}
	var ratio float64
	for _, each := range []int{1, each} {
		jobs := w.jobs(server)
		asked := 0.0
		for i := range jobs {
			job := &jobs[i]
			job.Requests = int64(each * job.Clients)
			asked += float64(len(job.URLs)) + float64(job.Clients)/2 // those before the measurement, and those cut off
		}
		before := count.Load()
		res, err := runAll(ctx, jobs)
		if err != nil {
			return 0, err
		}
		ratio = float64(count.Load()-before) / (asked + float64(res.Requests))
	}
	return ratio, nil
}

// storeScheme is that of servers of a bucket.
const storeScheme = "store"
