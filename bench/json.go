package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// WriteJSON writes r, indented, for ReadJSON and for other programs. A field
// that they do not know is to be ignored.
func WriteJSON(w io.Writer, r *Report) error {
	if err := r.Check(); err != nil {
		return err
	}
	named := *r
	named.Format = Format
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(named)
}

// ReadJSON reads what WriteJSON wrote. Its errors say what is wrong with the
// text and where; the caller adds the name of the file.
func ReadJSON(in io.Reader) (*Report, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	// The format comes first: in another one the rest means nothing.
	var head struct{ Format *int }
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, explainJSON(text, err)
	}
	switch {
	case head.Format == nil:
		return nil, errors.New(`not a report: it has no "format"; write one with sluice bench and its JSON output`)
	case *head.Format != Format:
		return nil, fmt.Errorf("the report has format %d, and this program reads %d: measure again, or use the program that wrote it", *head.Format, Format)
	}
	r := new(Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, explainJSON(text, err)
	}
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("not a report to rely on: %w", err)
	}
	r.renameOld()
	return r, nil
}

// explainJSON says where in text the error is, as editors count.
func explainJSON(text []byte, err error) error {
	offset := int64(-1)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = kind.Offset
	}
	if offset < 0 || offset > int64(len(text)) {
		return fmt.Errorf("not a report: %w", err)
	}
	before := text[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - 1 - bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("not a report: line %d, column %d: %w", line, column, err)
}
