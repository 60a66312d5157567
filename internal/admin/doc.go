// Package admin is what the operator of a running server talks to, by HTTP.
//
//	h := &admin.Handler{Live: &reg}
//	defer h.Close()
//	reg.OnTransfer = h.OnTransfer
//	err := http.Serve(admin.Limit(ln), h) // ln on loopback, or a socket in the file system
//
// It answers
//
//	GET /metrics            what Prometheus asks for
//	GET /status.json        a Status; with ?peers=1 the processes of clients on this host too
//	GET /healthz            200 "ok", or 503 "draining" once Drain was called
//	GET /debug/pprof/       profiles, if Handler.Pprof is set
//	DELETE /sessions/ID     204 and cuts the connections of a session, or 404
//
// Nothing but the last changes anything. A page of another origin cannot send
// that without asking first, which is not answered; nor can it read the others.
//
// # Who may ask
//
// With a Token: who shows it, as "Authorization: Bearer TOKEN". Without: who
// reaches the listener and calls it by a name that only this machine has,
// localhost or an address of loopback. A name of the attacker's that leads to
// 127.0.0.1 (DNS rebinding) is none. On a socket in the file system the name
// does not matter, because no browser gets there. /healthz is for all.
//
// # Metrics
//
// Counters and gauges are those of /status.json at the time of the scrape,
// which costs about as much. What the system does not tell is not there; what
// there is none of is 0, for each protocol that is listened for or was spoken.
// Where a label has nothing to say, it says "none" (method: bytes that are no
// file's) or "unknown" (cause).
//
// [Client] is the other end.
package admin
