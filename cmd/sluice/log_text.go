package main

import (
	"strconv"
	"time"

	"sluice/sendfile"
)

// appendTextLine writes what slog's TextHandler would write, by itself: there
// may be a hundred thousand lines in a second.
func appendTextLine(line []byte, now time.Time, e entry) []byte {
	line = now.AppendFormat(append(line, "time="...), "2006-01-02T15:04:05.000Z07:00")
	line = append(append(line, " level=INFO msg="...), e.protocol...)
	line = appendText(append(line, " remote="...), e.remote)
	if e.protocol == "http" {
		line = appendText(append(line, " method="...), e.method)
		line = appendText(append(line, " target="...), e.target)
		line = strconv.AppendInt(append(line, " status="...), int64(e.status), 10)
	} else {
		line = strconv.AppendUint(append(line, " session="...), e.session, 10)
		line = appendText(append(line, " user="...), e.user)
		line = appendText(append(line, " op="...), e.op)
		line = appendText(append(line, " path="...), e.path)
		if e.offset != 0 {
			line = strconv.AppendInt(append(line, " offset="...), e.offset, 10)
		}
		if e.kept != 0 {
			line = strconv.AppendInt(append(line, " kept="...), e.kept, 10)
		}
	}
	line = strconv.AppendInt(append(line, " bytes="...), e.Sent, 10)
	if e.Method != sendfile.Auto {
		line = append(append(line, " road="...), e.Method.String()...)
	}
	line = append(append(line, " took="...), e.took.Round(time.Microsecond).String()...)
	if e.cause != "" {
		line = appendText(append(line, " cause="...), e.cause)
	}
	if e.rtt != 0 {
		line = append(append(line, " rtt="...), e.rtt.String()...)
	}
	if e.retransmits >= 0 {
		line = strconv.AppendInt(append(line, " retransmits="...), e.retransmits, 10)
	}
	if e.err != nil {
		line = appendText(append(line, " err="...), e.err.Error())
	}
	return append(line, '\n')
}

// appendText appends a value, in quotes if it could be taken for something
// else without them.
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
