package methods

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// A fetcher fetches over a fixed number of connections, one a client.
type fetcher []*http.Client

func newFetcher(clients int) fetcher {
	c := make(fetcher, clients)
	for i := range c {
		c[i] = &http.Client{Transport: &http.Transport{
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, // a certificate of this run, over loopback
			DisableCompression: true,
			MaxConnsPerHost:    1,
		}}
	}
	return c
}

func (c fetcher) close() {
	for _, client := range c {
		client.CloseIdleConnections()
	}
}

// fetch gets url over all connections at once, so many times over each, and
// returns how many bytes came. It gives each body to check.
func (c fetcher) fetch(ctx context.Context, url string, times int, check func(io.Reader) (int64, error)) (int64, error) {
	sums, errs := make([]int64, len(c)), make([]error, len(c))
	var fetching sync.WaitGroup
	for i, client := range c {
		fetching.Go(func() {
			for range times {
				n, err := get(ctx, client, url, check)
				sums[i] += n
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	fetching.Wait()
	var sum int64
	for _, n := range sums {
		sum += n
	}
	return sum, errors.Join(errs...)
}

func get(ctx context.Context, client *http.Client, url string, read func(io.Reader) (int64, error)) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return 0, fmt.Errorf("%s: %s: %s", url, resp.Status, why)
	}
	return read(resp.Body)
}

// discard reads r to its end.
func discard(r io.Reader) (int64, error) { return io.Copy(io.Discard, r) }

// checkSum returns a function that reads to the end, and fails if the SHA-256
// of the content is another one.
func checkSum(want [32]byte) func(io.Reader) (int64, error) {
	return func(r io.Reader) (int64, error) {
		hash := sha256.New()
		n, err := io.Copy(hash, r)
		if got := [32]byte(hash.Sum(nil)); err == nil && got != want {
			err = fmt.Errorf("%d bytes with the SHA-256 %x, want %x", n, got, want)
		}
		return n, err
	}
}
