package daemon

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"sluice/httpd"
)

// newRedirect returns the server that redirects HTTP to HTTPS.
func (d *daemon) newRedirect() *service {
	server := &httpd.Server{
		Handler: redirectTo(d.listeners["https"]), Logger: d.logger, Live: d.live, ProxyFrom: d.conf.ProxyFrom,
	}
	return &service{"http", served("http", d.listeners["http"], server.Serve), server}
}

// redirectTo returns a handler that redirects each request to the same host and
// path by HTTPS, on the port of the first listener that has one.
func redirectTo(listeners []net.Listener) http.Handler {
	port := ""
	for _, ln := range listeners {
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
			port = strconv.Itoa(tcp.Port)
			break
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		if host == "" { // HTTP/1.0 may lack it, and the server does not know its own name
			http.Error(w, "Use HTTPS.", http.StatusNotFound)
			return
		}
		if port != "" && port != "443" {
			host += ":" + port
		}
		status := http.StatusMovedPermanently // the oldest clients know no other
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			status = http.StatusPermanentRedirect // keeps the method
		}
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), status)
	})
}

// hostname returns a Host field without its port.
func hostname(field string) string {
	host, _, err := net.SplitHostPort(field)
	if err != nil {
		return field
	}
	if strings.Contains(host, ":") { // IPv6
		return "[" + host + "]"
	}
	return host
}
