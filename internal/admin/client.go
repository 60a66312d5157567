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

// Client asks the Handler of a running server.
type Client struct {
	base  string // URL without a slash at the end
	token string
	http  http.Client
}

// The errors of a Client, beside those of the connection.
var (
	ErrToken     = errors.New("the server wants another token")
	ErrNoSession = errors.New("there is no such session")
	ErrStranger  = errors.New("what answers there is not sluice")
	ErrSchema    = errors.New("the server is of another version")
)

const (
	patience = 10 * time.Second // of a Client
	maxBody  = 256 << 20        // bytes of an answer; 100,000 sessions have about 100 MB
)

// NewClient returns a Client for an address: HOST:PORT, unix:PATH, or a URL of
// HTTP or HTTPS. The token may be "". No proxy is used.
func NewClient(addr, token string) (*Client, error) {
	transport := &http.Transport{IdleConnTimeout: time.Minute}
	c := &Client{token: token, http: http.Client{
		Transport: transport, Timeout: patience,
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

// baseURL returns where to ask, without a slash at the end.
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

// Close closes the connections that are kept for the next question.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// A Want says what a Status is to hold.
type Want uint8

// What can be wanted.
const (
	Sessions Want = iota
	Peers         // Sessions, and the processes of clients on the server's host
)

// Status asks for the Status.
func (c *Client) Status(ctx context.Context, want Want) (*status.Status, error) {
	path := "/status.json"
	if want == Peers {
		path += "?peers=1"
	}
	resp, err := c.do(ctx, http.MethodGet, path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w (it says %d)", ErrStranger, resp.StatusCode)
	}
	st := new(status.Status)
	err = json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(st)
	switch {
	case st.Schema > 0 && st.Schema != status.Schema:
		return nil, fmt.Errorf("%w: its status has schema %d, and %d is known here", ErrSchema, st.Schema, status.Schema)
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil || st.Schema == 0:
		return nil, ErrStranger
	}
	return st, nil
}

// Kill cuts a session. The error is ErrNoSession if there is none of that ID.
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
	return fmt.Errorf("%w (it says %d)", ErrStranger, resp.StatusCode)
}

// do asks. The caller closes the body.
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
