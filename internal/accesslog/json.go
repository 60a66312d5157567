package accesslog

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"time"

	"sluice/internal/live"
	"sluice/internal/show"
	"sluice/sendfile"
)

// jsonLine is a line of the JSON format. It begins like the lines of slog's
// JSONHandler. Unknown values are missing.
type jsonLine struct {
	Time    time.Time `json:"time"`
	Level   string    `json:"level"`
	Msg     string    `json:"msg"`
	Remote  string    `json:"remote"`
	Session uint64    `json:"session,omitempty"`
	User    string    `json:"user,omitempty"`
	Op      string    `json:"op,omitempty"`
	Target  string    `json:"target,omitempty"`
	To      string    `json:"to,omitempty"`
	Status  int       `json:"status,omitempty"`
	Path    string    `json:"path,omitempty"`
	Offset  int64     `json:"offset,omitempty"`
	Kept    int64     `json:"kept,omitempty"`
	Bytes   *int64    `json:"bytes,omitempty"`
	Method  string    `json:"method,omitempty"`
	Took    float64   `json:"took_seconds"`
	Cause   string    `json:"cause,omitempty"`
	RTT     float64   `json:"rtt_seconds,omitempty"`
	Resent  *int64    `json:"retransmits,omitempty"`
	Waited  float64   `json:"waited_seconds,omitempty"`
	For     string    `json:"for,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	By      string    `json:"by,omitempty"`
	Err     string    `json:"err,omitempty"`
}

func appendJSONLine(line []byte, now time.Time, rec *live.Record) []byte {
	j := jsonLine{
		Time: now, Level: slog.LevelInfo.String(), Msg: family(rec), Remote: clientAddr(rec),
		To: rec.NewPath, Took: rec.Duration.Round(time.Microsecond).Seconds(), RTT: rec.RTT.Seconds(),
	}
	if isChange(rec) {
		j.Status = rec.Status
	} else {
		j.Bytes = &rec.Sent
	}
	if rec.Protocol.IsFTP() {
		j.Session, j.User, j.Op, j.Path, j.Offset, j.Kept = rec.Session, rec.User, rec.Op, rec.Path, rec.Offset, rec.Kept
	} else {
		j.User, j.Op, j.Target, j.Status, j.Offset = rec.User, rec.Op, rec.Target, rec.Status, rec.Offset
		if namesOther(rec) {
			j.Path = rec.Path
		}
	}
	if rec.Cause != live.Unknown {
		j.Cause = rec.Cause.String()
	}
	if rec.Method != sendfile.Auto {
		j.Method = rec.Method.String()
	}
	if rec.Retransmits >= 0 {
		j.Resent = &rec.Retransmits
	}
	if rec.Waited >= longWait {
		j.Waited, j.For = float64(rec.Waited.Round(time.Millisecond).Milliseconds())/1000, rec.For
	}
	j.By, j.Reason = heldBackBy(rec), rec.Reason
	if rec.Err != nil {
		j.Err = errorText(rec.Err)
	}
	out := bytes.NewBuffer(line)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(j) // a jsonLine holds nothing that cannot be encoded
	all := out.Bytes()
	return append(all[:len(line)], show.PlainJSON(all[len(line):])...)
}

// inSeconds makes slog write durations in seconds, with the unit in the key, as
// jsonLine does. slog's default is a number of nanoseconds.
func inSeconds(groups []string, a slog.Attr) slog.Attr {
	a = bounded(groups, a)
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
	}
	return a
}
