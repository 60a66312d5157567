package accesslog

import (
	"strconv"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// appendTextLine appends what slog's TextHandler would write, without the cost
// of slog: there may be a hundred thousand lines a second.
func appendTextLine(line []byte, now time.Time, rec *live.Record) []byte {
	line = now.AppendFormat(append(line, "time="...), "2006-01-02T15:04:05.000Z07:00")
	line = append(append(line, " level=INFO msg="...), family(rec)...)
	line = appendText(append(line, " remote="...), clientAddr(rec))
	if !rec.Protocol.IsFTP() {
		line = appendText(append(line, " op="...), rec.Op)
		line = appendText(append(line, " target="...), rec.Target)
		if rec.NewPath != "" {
			line = appendText(append(line, " to="...), rec.NewPath)
		}
		line = strconv.AppendInt(append(line, " status="...), int64(rec.Status), 10)
		if rec.User != "" {
			line = appendText(append(line, " user="...), rec.User)
		}
		if namesOther(rec) {
			line = appendText(append(line, " path="...), rec.Path)
		}
		if rec.Offset != 0 {
			line = strconv.AppendInt(append(line, " offset="...), rec.Offset, 10)
		}
	} else {
		line = strconv.AppendUint(append(line, " session="...), rec.Session, 10)
		line = appendText(append(line, " user="...), rec.User)
		line = appendText(append(line, " op="...), rec.Op)
		line = appendText(append(line, " path="...), rec.Path)
		if rec.NewPath != "" {
			line = appendText(append(line, " to="...), rec.NewPath)
		}
		if isChange(rec) {
			line = strconv.AppendInt(append(line, " status="...), int64(rec.Status), 10)
		}
		if rec.Offset != 0 {
			line = strconv.AppendInt(append(line, " offset="...), rec.Offset, 10)
		}
		if rec.Kept != 0 {
			line = strconv.AppendInt(append(line, " kept="...), rec.Kept, 10)
		}
	}
	if !isChange(rec) {
		line = strconv.AppendInt(append(line, " bytes="...), rec.Sent, 10)
	}
	if rec.Method != sendfile.Auto {
		line = append(append(line, " method="...), rec.Method.String()...)
	}
	line = append(append(line, " took="...), rec.Duration.Round(time.Microsecond).String()...)
	if rec.Cause != live.Unknown {
		line = appendText(append(line, " cause="...), rec.Cause.String())
	}
	if rec.RTT != 0 {
		line = append(append(line, " rtt="...), rec.RTT.String()...)
	}
	if rec.Retransmits >= 0 {
		line = strconv.AppendInt(append(line, " retransmits="...), rec.Retransmits, 10)
	}
	if rec.Waited >= longWait {
		line = append(append(line, " waited="...), rec.Waited.Round(time.Millisecond).String()...)
		line = appendText(append(line, " for="...), rec.For)
	}
	if rec.Reason != "" {
		line = appendText(append(line, " reason="...), rec.Reason)
	}
	if by := heldBackBy(rec); by != "" {
		line = appendText(append(line, " by="...), by)
	}
	if rec.Err != nil {
		line = appendText(append(line, " err="...), errorText(rec.Err))
	}
	return append(line, '\n')
}

// longWait is how long a request waits for the turns of other clients before its line says so.
const longWait = 100 * time.Millisecond

// namesOther reports whether a request by HTTP has received a file whose name is not that of
// its target: one of a form, or one of a resumable upload.
func namesOther(rec *live.Record) bool {
	return rec.Upload && rec.Path != "" && rec.Path != pathOf(rec.Target)
}

// appendText appends a value, quoted if it is empty or has a character that slog
// quotes.
func appendText(line []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7f || c == '=' || c == '"' {
			return strconv.AppendQuote(line, value)
		}
	}
	if value == "" {
		return append(line, '"', '"')
	}
	return append(line, value...)
}

// heldBackBy returns for whom a request has waited long, or had no turn; "" if neither.
func heldBackBy(rec *live.Record) string {
	if rec.Waited < longWait && rec.Reason == "" {
		return ""
	}
	return rec.By
}
