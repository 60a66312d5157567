// Package admin serves the operator of a running server by HTTP: metrics, status,
// health, profiles, and closing sessions. [Client] is the other end.
//
//	h := &admin.Handler{Live: &reg}
//	defer h.Close()
//	reg.OnTransfer = h.OnTransfer
//	s := &http.Server{Handler: h, ConnContext: admin.ConnContext}
//	err := s.Serve(admin.Limit(ln)) // ln on loopback, or a unix socket
//
// The resources are
//
//	GET /metrics            for Prometheus
//	GET /status.json        a status.Status; with ?peers=1 the processes of clients on this host too
//	GET /healthz            200 "ok", or 503 "draining" after Drain, or 503 if Ready says so
//	GET /debug/pprof/       profiles, if Handler.Pprof is set
//	DELETE /sessions/ID     closes the connections of a session: 204, or 404
//
// # Access
//
// With a Token, a client must send "Authorization: Bearer TOKEN". Without one, the
// Host of a request must be a name that only this machine has: localhost or a
// loopback address. A name of an attacker that resolves to 127.0.0.1 (DNS rebinding)
// gets 421. On a unix socket the Host does not matter, because no browser connects to
// one. /healthz needs neither.
//
// Only DELETE changes anything. No form and no link can send it, and a script of
// another origin must ask first (CORS preflight), which is not answered; nor can such
// a script read the other resources.
//
// # Metrics
//
// Counters and gauges are read from /status.json's data at each scrape, which costs
// about as much: 0.6 ms without transfers, 5 ms with 2,000 (two busy cores). No second
// set of counters can disagree. Only the histograms are fed at the end of a transfer.
// Counters start at 0 for every protocol that has a listener or had a connection, so
// alerts never see an absent series. Values that the system does not report are
// absent. A label without a value is "none" (method: bytes that came from no file) or
// "unknown" (cause). Label values are the server's own, so no client can add a series.
//
// Metrics of the process come from package metrics, in the names on which client
// libraries agree; client_golang's own collector reads more files and reports less.
package admin
