package load

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// A target is the one server that all URLs of a job name.
type target struct {
	urls      []string // as given, for messages
	paths     []string // of each URL, in the syntax of the protocol
	protocol  protocol
	tls       tlsMode
	host      string // its name, for which its certificate must be
	authority string // host and port as in the URL, for the Host field of HTTP
	address   string // host and port to dial
	user      string
	password  string
}

type protocol string

const (
	http11 protocol = "http"
	ftp    protocol = "ftp"
)

type tlsMode string

const (
	plain    tlsMode = ""
	implicit tlsMode = "implicit" // from the first byte
	explicit tlsMode = "explicit" // after AUTH TLS (RFC 4217)
)

// schemes are the schemes that a URL may have.
var schemes = map[string]struct {
	protocol protocol
	tls      tlsMode
	port     string
}{
	"http":  {http11, plain, "80"},
	"https": {http11, implicit, "443"},
	"ftp":   {ftp, plain, "21"},
	"ftps":  {ftp, explicit, "21"},
	"ftpes": {ftp, explicit, "21"},
}

// parseTarget returns the server of all the URLs.
func parseTarget(urls []string) (*target, error) {
	if len(urls) == 0 {
		return nil, errors.New("no URL to ask for")
	}
	var first *target
	for _, raw := range urls {
		t, err := parseURL(raw)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = t
			continue
		}
		if t.server() != first.server() {
			return nil, fmt.Errorf("%s and %s are on two servers: measure one at a time", first.urls[0], t.urls[0])
		}
		first.urls = append(first.urls, t.urls[0])
		first.paths = append(first.paths, t.paths[0])
	}
	return first, nil
}

// server returns the parts that all URLs of a job must have in common.
func (t *target) server() [5]string {
	return [5]string{string(t.protocol), string(t.tls), t.address, t.user, t.password}
}

// password matches the password of a URL with its surroundings.
var password = regexp.MustCompile(`(://[^/?#@:\s]*:)[^/?#\s]*(@)`)

// Redact replaces the passwords of all URLs in a text with xxxxx, also of invalid
// URLs. It is for all text that is shown or stored.
func Redact(text string) string { return password.ReplaceAllString(text, "${1}xxxxx$2") }

func parseURL(raw string) (*target, error) {
	name := Redact(raw)
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, errors.Unwrap(err)) // a *url.Error, which names the URL
	}
	s, ok := schemes[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("%s: scheme %q: want http, https, ftp or ftps", name, u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("%s: no host", name)
	}
	port := u.Port()
	if port == "" {
		port = s.port
	}
	t := &target{
		urls:      []string{name},
		protocol:  s.protocol,
		tls:       s.tls,
		host:      u.Hostname(),
		authority: u.Host,
		address:   net.JoinHostPort(u.Hostname(), port),
		user:      u.User.Username(),
	}
	t.password, _ = u.User.Password()
	switch t.protocol {
	case http11:
		t.paths = []string{u.RequestURI()}
	case ftp:
		if t.tls == explicit && port == "990" {
			t.tls = implicit
		}
		if u.User == nil {
			t.user, t.password = "anonymous", "sluice-bench@"
		}
		// Relative to the folder after the login, unless it begins with %2F
		// (RFC 1738, section 3.2.2).
		t.paths = []string{strings.TrimPrefix(u.Path, "/")}
	}
	if strings.ContainsAny(t.user+t.password+t.paths[0], "\r\n\x00") {
		return nil, fmt.Errorf("%q: a line break in a name", name)
	}
	return t, nil
}

// tlsConfig returns the TLS configuration of connections to the server, or nil
// if they are in clear.
func (t *target) tlsConfig(insecure bool) *tls.Config {
	if t.tls == plain {
		return nil
	}
	c := &tls.Config{ServerName: t.host, InsecureSkipVerify: insecure}
	if t.protocol == http11 {
		c.NextProtos = []string{"http/1.1"}
	}
	return c
}

// basicAuth returns the value of Authorization, or "".
func (t *target) basicAuth() string {
	if t.user == "" {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(t.user+":"+t.password))
}

// child returns the path of a name below path number i.
func (t *target) child(i int, name string) string {
	path := t.paths[i]
	if t.protocol == http11 {
		path, _, _ = strings.Cut(path, "?")
	}
	if path != "" && !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return path + name
}
