package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sluice/internal/status"
	"strconv"
	"strings"
	"time"
)

// Client sends requests to the Handler of a running server.
type Client struct {
	base  string // URL without a trailing slash
	token string
	http  http.Client
}

// Errors of a Client, besides those of the connection.
var (
	ErrToken     = errors.New("the server requires another token")
	ErrNoSession = errors.New("no such session")
	ErrNotSluice = errors.New("the program at this address is not sluice")
	ErrSchema    = errors.New("the server has another version")
)

const (
	clientTimeout = 10 * time.Second // of a request
	maxBody       = 256 << 20        // bytes of a response; 100,000 sessions take about 100 MB
)

// NewClient returns a Client for an address: HOST:PORT, unix:PATH, or an HTTP or
// HTTPS URL. The token may be "". No proxy is used.
func NewClient(addr, token string) (*Client, error) {
	transport := &http.Transport{IdleConnTimeout: time.Minute}
	c := &Client{token: token, http: http.Client{
		Transport: transport, Timeout: clientTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		c.base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
		return c, nil
	}
	base, err := baseURL(addr)
	if err != nil {
		return nil, err
	}
	c.base = base
	return c, nil
}

// baseURL returns the URL of an address, without a trailing slash.
func baseURL(addr string) (string, error) {
	if strings.Contains(addr, "://") {
		u, err := url.Parse(addr)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return "", fmt.Errorf("%q is not an HTTP URL", addr)
		}
		return strings.TrimSuffix(addr, "/"), nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("%q is not an address; write it like 127.0.0.1:9180", addr)
	}
	return "http://" + net.JoinHostPort(cmp.Or(host, "localhost"), port), nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Detail is how much a Status contains.
type Detail uint8

// The details.
const (
	Sessions Detail = iota
	Peers           // Sessions, and the processes of clients on the server's host
)

// Status requests the status.
func (c *Client) Status(ctx context.Context, detail Detail) (*status.Status, error) {
	path := "/status.json"
	if detail == Peers {
		path += "?peers=1"
	}
	resp, err := c.do(ctx, http.MethodGet, path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w (status %d)", ErrNotSluice, resp.StatusCode)
	}
	st := new(status.Status)
	err = json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(st)
	switch {
	case st.Schema > 0 && st.Schema != status.Schema:
		return nil, fmt.Errorf("%w: its status has schema %d, this program knows %d", ErrSchema, st.Schema, status.Schema)
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil || st.Schema == 0:
		return nil, ErrNotSluice
	}
	return st, nil
}

// Kill closes a session. The error is ErrNoSession if no session has that ID.
func (c *Client) Kill(ctx context.Context, id uint64) error {
	resp, err := c.do(ctx, http.MethodDelete, "/sessions/"+strconv.FormatUint(id, 10))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusNotFound:
		return ErrNoSession
	}
	return fmt.Errorf("%w (status %d)", ErrNotSluice, resp.StatusCode)
}

// do sends a request. The caller closes the body.
func (c *Client) do(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusUnauthorized {
		_ = resp.Body.Close()
		return nil, ErrToken
	}
	return resp, nil
}
