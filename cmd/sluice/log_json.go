package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"time"

	"sluice/internal/show"
	"sluice/sendfile"
)

// jsonLine is an entry as JSON. It begins as the lines of slog's JSONHandler
// do, and what is not known is missing.
type jsonLine struct {
	Time    time.Time `json:"time"`
	Level   string    `json:"level"`
	Msg     string    `json:"msg"`
	Remote  string    `json:"remote"`
	Method  string    `json:"method,omitempty"`
	Target  string    `json:"target,omitempty"`
	Status  int       `json:"status,omitempty"`
	Session uint64    `json:"session,omitempty"`
	User    string    `json:"user,omitempty"`
	Op      string    `json:"op,omitempty"`
	Path    string    `json:"path,omitempty"`
	Offset  int64     `json:"offset,omitempty"`
	Kept    int64     `json:"kept,omitempty"`
	Bytes   int64     `json:"bytes"`
	How     string    `json:"road,omitempty"`
	Took    float64   `json:"took_seconds"`
	Cause   string    `json:"cause,omitempty"`
	RTT     float64   `json:"rtt_seconds,omitempty"`
	Resent  *int64    `json:"retransmits,omitempty"`
	Err     string    `json:"err,omitempty"`
}

func appendJSONLine(line []byte, now time.Time, e entry) []byte {
	j := jsonLine{
		Time: now, Level: slog.LevelInfo.String(), Msg: e.protocol, Remote: e.remote,
		Method: e.method, Target: e.target, Status: e.status,
		Session: e.session, User: e.user, Op: e.op, Path: e.path, Offset: e.offset, Kept: e.kept,
		Bytes: e.Sent, Took: e.took.Round(time.Microsecond).Seconds(), Cause: e.cause, RTT: e.rtt.Seconds(),
	}
	if e.Method != sendfile.Auto {
		j.How = e.Method.String()
	}
	if e.retransmits >= 0 {
		j.Resent = &e.retransmits
	}
	if e.err != nil {
		j.Err = e.err.Error()
	}
	out := bytes.NewBuffer(line)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(j) // fails for nothing that a jsonLine can hold
	all := out.Bytes()
	return append(all[:len(line)], show.PlainJSON(all[len(line):])...)
}

// inSeconds makes slog's JSON tell durations in seconds and say so, as
// jsonLine does.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
	}
	return a
}
