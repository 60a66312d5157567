package main

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"sluice/httpd"
)

// redirecting makes the server that sends all who come by clear HTTP to HTTPS.
func (b *builder) redirecting() *service {
	server := &httpd.Server{
		Handler: redirectTo(b.listeners["https"]), Logger: b.logger, Live: b.live, ProxyFrom: b.conf.ProxyFrom,
	}
	return &service{"http", doors("http", b.listeners["http"], server.Serve), server}
}

// redirectTo answers each request with where it is served by HTTPS: on the port of the
// first listener that has one.
func redirectTo(listeners []net.Listener) http.Handler {
	port := ""
	for _, ln := range listeners {
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
			port = strconv.Itoa(tcp.Port)
			break
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := nameOfHost(r.Host)
		if host == "" { // HTTP/1.0 may lack it, and nobody else knows our name
			http.Error(w, "This is served by HTTPS.", http.StatusNotFound)
			return
		}
		if port != "" && port != "443" {
			host += ":" + port
		}
		status := http.StatusMovedPermanently // which the oldest clients know
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			status = http.StatusPermanentRedirect // the method stays
		}
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), status)
	})
}

// nameOfHost returns the host in a Host field, without its port.
func nameOfHost(field string) string {
	host, _, err := net.SplitHostPort(field)
	if err != nil {
		return field
	}
	if strings.Contains(host, ":") { // IPv6
		return "[" + host + "]"
	}
	return host
}
