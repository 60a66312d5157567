package listing

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// plainHead is the head of the page of nginx and Apache, by which some programs
// recognize a listing.
const plainHead = `<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>Index of %[1]s</title>
</head>
<body>
<h1>Index of %[1]s</h1>
<hr><pre>`

// WritePlain writes a page for programs that read listings: a link to the parent
// directory and one for each entry, with time and size as nginx writes them. It has no
// other links, because these programs follow each, or show it as a file.
func (l *Listing) WritePlain(w io.Writer) error {
	b := bufio.NewWriterSize(w, 32<<10)
	_, _ = fmt.Fprintf(b, plainHead, htmlOf(l.path))
	if l.path != "/" {
		_, _ = b.WriteString("<a href=\"../\">../</a>\n")
	}
	row := make([]byte, 0, 1024)
	err := l.each(func(e *entry) error {
		row = appendPlainRow(row[:0], e)
		_, err := b.Write(row)
		return err
	})
	if err != nil {
		return err
	}
	_, _ = b.WriteString("</pre><hr>\n</body>\n</html>\n")
	return b.Flush()
}

// The columns of a plain page are those of nginx.
const (
	plainNameWidth = 51 // in characters
	plainTime      = "02-Jan-2006 15:04"
	plainSizeWidth = 20
)

// noSize stands for the size of a directory, and for a time that no date can
// express.
const noSize = "-"

func appendPlainRow(b []byte, e *entry) []byte {
	name, size := e.name, noSize
	if e.isDir() {
		name += "/"
	} else {
		size = strconv.FormatInt(e.size, 10)
	}
	b = append(b, `<a href="`...)
	b = appendLink(b, e)
	b = append(b, `">`...)
	b = appendPlainText(b, name)
	b = append(b, `</a>`...)
	b = appendSpaces(b, plainNameWidth-utf8.RuneCountInString(name))
	if t := e.modified.UTC(); 0 <= t.Year() && t.Year() <= 9999 && !t.IsZero() {
		b = t.AppendFormat(b, plainTime)
	} else {
		b = append(b, noSize...)
		b = appendSpaces(b, len(plainTime)-len(noSize))
	}
	b = appendSpaces(b, plainSizeWidth-len(size))
	b = append(b, size...)
	return append(b, '\n')
}

// appendSpaces appends n spaces, and at least one.
func appendSpaces(b []byte, n int) []byte {
	for range max(n, 1) {
		b = append(b, ' ')
	}
	return b
}

// appendPlainText appends a name, escaped so that it stays equal to the decoded link,
// as Kodi wants it: parsers remove white space at both ends, and some end a row at a
// line break. Characters that terminals obey are escaped too. U+FFFD stands for an invalid byte, and
// for the control characters above ASCII, whose escapes mean other characters.
func appendPlainText(b []byte, name string) []byte {
	for i, r := range name {
		switch {
		case 0x80 <= r && r < 0xa0:
			b = utf8.AppendRune(b, utf8.RuneError)
		case isDeceptive(r), r == ' ' && (i == 0 || i == len(name)-1), r == '&', r == '<', r == '>', r == '"', r == '\'':
			b = append(b, "&#"...)
			b = strconv.AppendInt(b, int64(r), 10)
			b = append(b, ';')
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// appendLink appends the relative reference of an entry, for clients that do not know
// all of RFC 3986. It needs no escapes of HTML. Every character is encoded that could
// end a scheme, or begin a query, an entity or a parameter; so it needs no ./ at the
// beginning, by which httpdirfs finds no files. The first character is encoded if it is
// not a letter or a digit: httpdirfs takes other links for those of columns.
func appendLink(b []byte, e *entry) []byte {
	const hex = "0123456789ABCDEF"
	for i, c := range []byte(e.name) {
		switch {
		case isLetterOrDigit(c), i > 0 && (c == '-' || c == '.' || c == '_'):
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	if e.isDir() {
		b = append(b, '/')
	}
	return b
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= lower(c) && lower(c) <= 'z' || '0' <= c && c <= '9'
}
