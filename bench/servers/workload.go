package servers

import (
	"fmt"
	"slices"
	"strconv"

	"sluice/bench/load"
	"sluice/bench/peers"
)

// A Workload is the load of the clients on every server.
type Workload struct {
	Scheme  string // http, ftp or store, of the servers that it is for
	Name    string
	Kind    load.Kind
	Files   []File // requested in turn
	Clients int

	// Reconnect makes a new connection for each request. The request says
	// "Connection: close", and the client closes as soon as it has the answer.
	Reconnect  bool
	RangeSize  int64 // for load.Range, at random offsets
	UploadSize int64 // for load.Upload

	// Before, if above zero, measures load.Idle on a server that was started for
	// it: by how much it grows for each of Clients connections when so many
	// others are open. A server that has served before has memory left from that.
	Before int

	// Load, if above zero, sends requests at a fixed rate, and their latency
	// counts from when they were due: the rate is this part of the highest that
	// another server than ours reached in the workload Of, in the same run. Of
	// has no rate itself, and is measured even if nobody asked for it.
	Load float64
	Of   string
}

// A File is a file to serve. Its content depends on its name alone.
type File struct {
	Name string // relative, with slashes
	Size int64  // bytes
}

// perGB is the mean size of responses from which the cost counts per GB. The cost
// of smaller responses depends on the number of requests.
const perGB = 512 << 10

// isBulk reports whether the cost counts per GB and not per request.
func (w Workload) isBulk() bool {
	if w.Kind == load.Upload {
		return w.UploadSize >= perGB
	}
	if w.Kind == load.Range {
		return w.RangeSize >= perGB
	}
	var sum int64
	for _, f := range w.Files {
		sum += f.Size
	}
	return w.Kind == load.Download && sum >= perGB*int64(len(w.Files))
}

// hasLimit reports whether a peer that is a limit serves the workload.
func (w Workload) hasLimit() bool {
	isSmall := func(f File) bool { return f.Size < peers.SmallestForLimit }
	return w.Kind == load.Download && w.Load == 0 && !slices.ContainsFunc(w.Files, isSmall)
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

var (
	tiny   = []File{{"1KiB.bin", kib}}
	small  = []File{{"10KiB.bin", 10 * kib}}
	medium = []File{{"100KiB.bin", 100 * kib}}
	large  = []File{{"1MiB.bin", mib}}
	huge   = []File{{"100MiB.bin", 100 * mib}}
)

// many returns n different files of that size in a folder.
func many(folder string, n int, size int64) []File {
	files := make([]File, n)
	for i := range files {
		files[i] = File{folder + "/" + strconv.Itoa(i) + ".bin", size}
	}
	return files
}

// HTTP returns the workloads for HTTP servers.
func HTTP() []Workload {
	return []Workload{
		{Scheme: "http", Name: "1KiB", Kind: load.Download, Files: tiny, Clients: 64},
		{Scheme: "http", Name: "1KiB-half-load", Kind: load.Download, Files: tiny, Clients: 64, Load: 0.5, Of: "1KiB"},
		{Scheme: "http", Name: "10KiB", Kind: load.Download, Files: small, Clients: 64},
		{Scheme: "http", Name: "100KiB", Kind: load.Download, Files: medium, Clients: 64},
		{Scheme: "http", Name: "100KiB-half-load", Kind: load.Download, Files: medium, Clients: 64, Load: 0.5, Of: "100KiB"},
		{Scheme: "http", Name: "1MiB", Kind: load.Download, Files: large, Clients: 64},
		{Scheme: "http", Name: "1MiB-4-clients", Kind: load.Download, Files: large, Clients: 4},
		{Scheme: "http", Name: "100MiB", Kind: load.Download, Files: huge, Clients: 4},
		{Scheme: "http", Name: "100MiB-64-clients", Kind: load.Download, Files: huge, Clients: 64},
		{Scheme: "http", Name: "1KiB-reconnect", Kind: load.Download, Files: tiny, Clients: 64, Reconnect: true},
		{Scheme: "http", Name: "1000-files-of-4KiB", Kind: load.Download, Files: many("storm", 1000, 4*kib), Clients: 64},
		{Scheme: "http", Name: "64KiB-ranges", Kind: load.Range, Files: huge, Clients: 64, RangeSize: 64 * kib},
		{Scheme: "http", Name: "idle", Kind: load.Idle, Files: tiny, Clients: 10_000, Before: 1000},
	}
}

// FTP returns the workloads for FTP servers.
func FTP() []Workload {
	return []Workload{
		{Scheme: "ftp", Name: "RETR-100MiB", Kind: load.Download, Files: huge, Clients: 4},
		{Scheme: "ftp", Name: "RETR-100MiB-64-clients", Kind: load.Download, Files: huge, Clients: 64},
		{Scheme: "ftp", Name: "RETR-1MiB", Kind: load.Download, Files: large, Clients: 4},
		{Scheme: "ftp", Name: "RETR-1MiB-64-clients", Kind: load.Download, Files: large, Clients: 64},
		{Scheme: "ftp", Name: "STOR-16MiB", Kind: load.Upload, Clients: 4, UploadSize: 16 * mib},
		{Scheme: "ftp", Name: "RETR-1KiB", Kind: load.Download, Files: tiny, Clients: 16},
		{Scheme: "ftp", Name: "login", Kind: load.Churn, Files: tiny, Clients: 8},
		{Scheme: "ftp", Name: "idle", Kind: load.Idle, Files: tiny, Clients: 300, Before: 30},
	}
}

// Store returns the workloads for servers of a bucket. There are many small files, so that few of them are asked for twice
// within the second for which some servers remember what the store has said.
func Store() []Workload {
	return []Workload{
		{Scheme: storeScheme, Name: "1KiB", Kind: load.Download, Files: many("tiny", 1000, kib), Clients: 64},
		{Scheme: storeScheme, Name: "64KiB", Kind: load.Download, Files: many("small", 1000, 64*kib), Clients: 64},
		{Scheme: storeScheme, Name: "1MiB", Kind: load.Download, Files: many("large", 64, mib), Clients: 16},
		{Scheme: storeScheme, Name: "100MiB", Kind: load.Download, Files: huge, Clients: 4},
	}
}

// isOf reports whether v is the workload that sets the rate of w.
func (w Workload) isOf(v Workload) bool {
	return w.Load > 0 && w.Scheme == v.Scheme && w.Of == v.Name && v.Load == 0
}

// withRates adds the workloads that set the rates of others, if they are missing.
func withRates(workloads []Workload) ([]Workload, error) {
	var all []Workload
	for _, w := range workloads {
		if w.Load > 0 && !slices.ContainsFunc(slices.Concat(workloads, all), w.isOf) {
			known, err := Workloads(w.Scheme)
			i := slices.IndexFunc(known, w.isOf)
			if err != nil || i < 0 {
				return nil, fmt.Errorf("%s %s needs the rate of %q, which is no workload", w.Scheme, w.Name, w.Of)
			}
			all = append(all, known[i])
		}
		all = append(all, w)
	}
	return all, nil
}

// Workloads returns the workloads for a scheme, http, ftp or store.
func Workloads(scheme string) ([]Workload, error) {
	switch scheme {
	case "http":
		return HTTP(), nil
	case "ftp":
		return FTP(), nil
	case storeScheme:
		return Store(), nil
	}
	return nil, fmt.Errorf("there are workloads for http, ftp and store, not for %q", scheme)
}
