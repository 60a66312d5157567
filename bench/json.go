package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// WriteJSON writes r, indented, for ReadJSON and other programs. Readers have to
// ignore unknown fields.
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

// ReadJSON reads the output of WriteJSON. Its errors say what is wrong with the
// text and where; the caller adds the name of the file.
func ReadJSON(in io.Reader) (*Report, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	// Check the format first: another one can give the fields another meaning.
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
		return nil, fmt.Errorf("not a valid report: %w", err)
	}
	r.renameOld()
	return r, nil
}

// explainJSON adds the line and the column of the error to it, as editors count.
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
