package bench

import (
	"strings"
	"testing"
)

func TestReadJSONTakesReportsFromBeforeTheRenaming(t *testing.T) {
	const old = `{"format": 1, "kind": "road", "title": "Roads from the page cache to a socket", "cells": [{"subject": "sluice",
		"params": [{"name": "size", "value": "1MiB"}], "metrics": [{"unit": "MB/s", "better": "higher", "samples": [1, 1, 1, 1]}]}]}`
	before, err := ReadJSON(strings.NewReader(old))
	if err != nil {
		t.Fatal(err)
	}
	now := &Report{Kind: "method", Title: MethodsTitle, Cells: before.Cells}
	if c := Compare(before, now); len(c.Changes) != 1 || before.Kind != now.Kind || before.Title != now.Title {
		t.Errorf("got %+v of a report of kind %q called %q, want one change and no other name", c, before.Kind, before.Title)
	}
}
