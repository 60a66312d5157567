package ftpd

import (
	"fmt"
	"strconv"
	"strings"

	"sluice/internal/live"
	"sluice/sendfile"
)

// maxSilent is the size of a file whose reply 150 goes out together with the
// final one. It fits the smallest send buffer, so that no client can be waiting
// for the one reply, and we for the client, before the other is there.
const maxSilent = 4 << 10

// opening returns the text of reply 150. Clients look for the number before
// "bytes)".
func (op *operation) opening() string {
	const text = "Opening data connection"
	switch {
	case op.intro != "":
		return op.intro
	case op.size < 0:
		return text
	}
	return string(append(strconv.AppendInt([]byte(text+" ("), op.size, 10), " bytes)"...))
}

// final returns the last reply of the operation, of which the library, or the
// command, says r. allocated is what ALLO has announced; negative: nothing.
func (op *operation) final(r reply, allocated int64) reply {
	err := op.failure
	if op.result != nil && op.result.Err != nil {
		err = op.result.Err
	}
	switch {
	case op.ctx.Err() != nil && r.code/100 != 2 && op.aborts > 0:
		return say(426, "Transfer aborted"+op.kept())
	case err != nil:
		return say(op.codeOf(err), sentence(reasonOf(err))+op.kept())
	case r.code != 226 || op.result == nil:
		return better(op.name, r)
	}
	lines := []string{"Transfer complete: " + summary(op.result)}
	if op.result.Op == Store && allocated >= 0 && allocated != op.result.Sent {
		lines = append([]string{fmt.Sprintf("ALLO announced %d bytes", allocated)}, lines...)
	}
	return reply{226, lines}
}

// kept tells what the client can resume; "": nothing.
func (op *operation) kept() string {
	if op.result == nil || op.result.Kept == 0 {
		return ""
	}
	return fmt.Sprintf("; %d bytes are kept, resume with REST %d", op.result.Kept, op.result.Kept)
}

// rateWorthTelling is how many bytes must have gone for their rate to tell of
// anything but the time that a reply takes.
const rateWorthTelling = 1 << 20

// summary tells what went, how fast, and by which method. It is made for each
// small file, so without package fmt, which takes longer than all the rest of
// the reply.
func summary(t *Transfer) string {
	b := make([]byte, 0, 64)
	b = append(strconv.AppendInt(b, t.Sent, 10), " bytes in "...)
	b = append(strconv.AppendFloat(b, t.Duration.Seconds(), 'f', 3, 64), " s"...)
	if t.Sent >= rateWorthTelling && t.Duration > 0 {
		rate := float64(t.Sent) / t.Duration.Seconds() / 1e6
		b = append(strconv.AppendFloat(append(b, ", "...), rate, 'f', 1, 64), " MB/s"...)
	}
	if t.Method != sendfile.Auto {
		b = append(append(b, ", "...), t.Method.String()...)
	}
	if t.Cause != live.Unknown {
		b = append(append(b, ", held back by: "...), t.Cause.String()...)
	}
	return string(b)
}

// better returns a reply of the library to the command called name in the form
// that clients understand.
func better(name string, r reply) reply {
	last := len(r.lines) - 1
	text := r.lines[last]
	switch {
	case r.code == 257 && (name == "MKD" || name == "XMKD"):
		// RFC 959, appendix II: the name comes first, and programs look there.
		if i, j := strings.IndexByte(text, '"'), strings.LastIndexByte(text, '"'); j > i {
			text = text[i:j+1] + " created"
		}
	case r.code >= 400:
		text = sentence(text)
	}
	r.lines[last] = text
	return r
}

// sentence returns text with a capital.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return asciiUpper(text[:1]) + text[1:]
}
