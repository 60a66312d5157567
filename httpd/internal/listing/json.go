package listing

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"time"
	"unicode/utf8"
)

// entryJSON is an entry of the directory.
type entryJSON struct {
	Name     string    `json:"name"` // bytes that are not UTF-8 replaced
	Type     string    `json:"type"` // "file" or "directory"
	Size     *int64    `json:"size,omitempty"`
	Modified time.Time `json:"modified,omitzero"` // absent if its year does not have four digits
	URL      string    `json:"url"`               // relative to the directory; exact for every name
}

// WriteJSON writes an array with an object for each entry, one a line.
func (l *Listing) WriteJSON(w io.Writer) error {
	b := bufio.NewWriterSize(w, 32<<10)
	lead := "[\n"
	err := l.each(func(e *entry) error {
		entry := entryJSON{Name: e.name, Type: "directory", URL: string(appendReference(nil, e))}
		if t := e.modified.UTC(); 0 <= t.Year() && t.Year() <= 9999 { // no other year has a form in RFC 3339
			entry.Modified = t
		}
		if !e.isDir() {
			entry.Type, entry.Size = "file", &e.size
		}
		line, err := json.Marshal(entry)
		if err != nil {
			return err
		}
		_, _ = b.WriteString(lead)
		if !isPlain(string(line)) { // what json.Marshal has left as it is stands in strings
			line = appendEscaped(nil, line)
		}
		lead = ",\n"
		_, err = b.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	if l.shown == (totals{}) {
		_, _ = b.WriteString("[")
	}
	_, _ = b.WriteString("\n]\n")
	return b.Flush()
}

// appendEscaped appends JSON with escapes for the characters that a terminal would obey.
func appendEscaped(b, line []byte) []byte {
	for _, r := range string(line) {
		if isDeceptive(r) {
			b = fmt.Appendf(b, `\u%04x`, r)
		} else {
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// appendReference appends the relative reference of an entry. It begins with ./
// because a name with a colon would be read as a scheme otherwise.
func appendReference(b []byte, e *entry) []byte {
	b = append(b, "./"...)
	b = append(b, url.PathEscape(e.name)...)
	if e.isDir() {
		b = append(b, '/')
	}
	return b
}
