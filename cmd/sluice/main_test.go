package main

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnErrorIsPrintedBeforeTheEnd(t *testing.T) {
	var out bytes.Buffer
	printError(&out, errors.New("no such thing"))
	if got := out.String(); got != "sluice: no such thing\n" {
		t.Errorf("got %q", got)
	}
}

// A pipe may be full of a log that nobody reads.
func TestAnErrorThatNobodyReadsDoesNotHoldUpTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		defer r.Close()
		begun := time.Now()
		printError(w, errors.New("no such thing"))
		if got := time.Since(begun); got != time.Second {
			t.Errorf("waited for %v, want a second", got)
		}
	})
}
