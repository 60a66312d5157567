package bench

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONComesBack(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, fixture()); err != nil {
		t.Fatal(err)
	}
	got, err := ReadJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	want := fixture()
	want.Format = Format
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadJSONExplains(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"nothing", "", "not a report"},
		{"another file", "goos: linux\n", "line 1, column 1"},
		{"an error on a later line", "{\n  \"format\": 1,\n  \"cells\": [}\n", "line 3, column 13"},
		{"a list", "[]", "not a report"},
		{"another program's JSON", `{"name": "x"}`, `it has no "format"`},
		{"a format of the future", `{"format": 2, "cells": "renamed"}`, "format 2, and this program reads 1"},
		{"a word for a number", "{\"format\": 1,\n\"elapsed_s\": \"long\"}", "line 2, column 19"},
		{"a cell twice", `{"format": 1, "cells": [{"subject": "a"}, {"subject": "a"}]}`, "there twice"},
		{"a metric without direction", `{"format": 1, "cells": [{"subject": "a", "metrics": [{"unit": "MB/s", "samples": [1]}]}]}`, "better"},
		{"a number too large", `{"format": 1, "cells": [{"subject": "a", "metrics": [{"unit": "MB/s", "better": "higher", "samples": [1e999]}]}]}`, "column"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ReadJSON(strings.NewReader(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want an error with %q", r, err, tt.want)
			}
		})
	}
}

func TestReadJSONIgnoresUnknownFields(t *testing.T) {
	r, err := ReadJSON(strings.NewReader(`{"format": 1, "colour": "red", "cells": [{"subject": "a", "mood": 3}]}`))
	if err != nil || len(r.Cells) != 1 {
		t.Errorf("got %+v, %v, want one cell", r, err)
	}
}

// Every report that can be read can be written in every format, and compared.
func FuzzReadJSON(f *testing.F) {
	var b bytes.Buffer
	small := fixture()
	small.Cells = small.Cells[:2]
	_ = WriteJSON(&b, small)
	f.Add(b.Bytes())
	f.Add([]byte(`{"format": 1, "cells": [{"subject": "a", "latency": {"count": 3, "percentiles": [{"percent": 100, "us": 1e15}]}}]}`))
	f.Add([]byte(`{"format": 1, "cells": [{"subject": "a", "metrics": [{"unit": "x", "better": "lower", "samples": [1e15, -1e15, 5e-324]}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ReadJSON(bytes.NewReader(text))
		if err != nil {
			return
		}
		for name, write := range writers {
			if err := write(new(bytes.Buffer), r); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := WriteComparison(new(bytes.Buffer), Compare(r, r), 80); err != nil {
			t.Error(err)
		}
	})
}
