package httpd_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
)

// A ResponseWriter of middleware of which single calls fail.
type oddWriter struct {
	header http.Header
	write  func(p []byte) (int, error)
}

func (w *oddWriter) Header() http.Header         { return w.header }
func (w *oddWriter) WriteHeader(int)             {}
func (w *oddWriter) Write(p []byte) (int, error) { return w.write(p) }

type oddReaderFrom struct {
	oddWriter
	readFrom func(r io.Reader) (int64, error)
}

func (w *oddReaderFrom) ReadFrom(r io.Reader) (int64, error) { return w.readFrom(r) }

// An error of a ResponseWriter ends the response, and the report has the bytes that it
// has taken.
func TestAResponseWriterThatFailsEndsTheResponse(t *testing.T) {
	errWriter := errors.New("the writer has failed")
	all := func(p []byte) (int, error) { return len(p), nil }
	upTo := func(most int, err error) func(p []byte) (int, error) {
		return func(p []byte) (int, error) {
			n := min(len(p), most)
			most -= n
			if n < len(p) {
				return n, err
			}
			return n, nil
		}
	}
	for _, tt := range []struct {
		name  string
		w     func() http.ResponseWriter
		sent  int64
		err   error
		files bool // only for files: nothing else uses ReadFrom
	}{
		{"one that takes nothing and has no error", func() http.ResponseWriter { return &oddWriter{write: upTo(0, nil)} }, 0, io.ErrShortWrite, false},
		{"one that takes less and has no error", func() http.ResponseWriter { return &oddWriter{write: upTo(1000, nil)} }, 1000, io.ErrShortWrite, false},
		{"one that fails on the way", func() http.ResponseWriter { return &oddWriter{write: upTo(1000, errWriter)} }, 1000, errWriter, false},
		{"one whose ReadFrom ends early", func() http.ResponseWriter {
			return &oddReaderFrom{oddWriter{write: all}, func(r io.Reader) (int64, error) { return io.CopyN(io.Discard, r, 1000) }}
		}, 1000, io.ErrShortWrite, true},
		{"one whose ReadFrom reads nothing", func() http.ResponseWriter {
			return &oddReaderFrom{oddWriter{write: all}, func(io.Reader) (int64, error) { return 0, nil }}
		}, 0, io.ErrShortWrite, true},
		{"one whose ReadFrom fails on the way", func() http.ResponseWriter {
			return &oddReaderFrom{oddWriter{write: all}, func(r io.Reader) (int64, error) {
				return io.Copy(&oddWriter{write: upTo(1000, errWriter)}, r)
			}}
		}, 1000, errWriter, true},
	} {
		for target, ofFile := range map[string]bool{"/big.bin": true, "/many/": false} {
			if tt.files && !ofFile {
				continue
			}
			for _, proto := range []int{1, 2} {
				if tt.files && proto == 2 { // ReadFrom is not used there
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, HTTP/%d", tt.name, target, proto), func(t *testing.T) {
					memory := afero.NewMemMapFs()
					for name, content := range siteFiles() {
						if err := afero.WriteFile(memory, "/"+name, []byte(content), 0o644); err != nil {
							t.Fatal(err)
						}
					}
					if err := afero.WriteFile(memory, "/many/"+strings.Repeat("x", 200), nil, 0o644); err != nil {
						t.Fatal(err)
					}
					var records []httpd.Transfer
					h := &httpd.Handler{FS: memory, OnTransfer: func(r httpd.Transfer) { records = append(records, r) }}
					r := httptest.NewRequest(http.MethodGet, target, nil)
					r.Header.Set("Accept", "text/html") // the page for browsers is longer
					r.ProtoMajor = proto
					w := tt.w()
					switch w := w.(type) {
					case *oddWriter:
						w.header = http.Header{}
					case *oddReaderFrom:
						w.header = http.Header{}
					}
					func() {
						defer func() {
							if r := recover(); r != http.ErrAbortHandler {
								t.Errorf("ended with %v, want %v", r, http.ErrAbortHandler)
							}
						}()
						h.ServeHTTP(w, r)
					}()
					if len(records) != 1 || records[0].Sent != tt.sent || !errors.Is(records[0].Err, tt.err) {
						t.Errorf("reported %+v, want one with %d bytes and %v", records, tt.sent, tt.err)
					}
				})
			}
		}
	}
}
