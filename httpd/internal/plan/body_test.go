package plan_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd/internal/plan"
	"sluice/internal/archive"
	"sluice/internal/filecache"
	"sluice/internal/nettest"
	"sluice/internal/residence"
	"sluice/internal/vfs"
)

// sourceOf says how a piece can be sent.
func sourceOf(p *plan.Piece) string {
	_, isFile, inMemory := p.Bytes()
	_, _, _, _, isPart := p.FilePart()
	switch {
	case inMemory && isPart:
		return "memory and part of a file"
	case p.IsStream():
		return "stream"
	case inMemory && isFile:
		return "content of a file"
	case inMemory:
		return "memory"
	case isPart:
		return "part of a file"
	}
	return "not prepared"
}

// readPiece returns what a caller without a Sink sends.
func readPiece(t *testing.T, p *plan.Piece) string {
	t.Helper()
	if f, off, n, _, ok := p.FilePart(); ok {
		content, err := io.ReadAll(io.NewSectionReader(f, off, n))
		if err != nil {
			t.Error(err)
		}
		return string(content)
	}
	content, _, ok := p.Bytes()
	if !ok {
		t.Errorf("a piece is neither in memory nor part of a file: %s", sourceOf(p))
	}
	return string(content)
}

// A caller without a Sink gets the same content as one with a Sink, piece for piece.
func TestPiecesCanBeSentWithoutASink(t *testing.T) {
	p := planner(t, plan.Config{Archives: true, Index: []string{}}, "/a/f.txt", "/empty")
	if err := afero.WriteFile(memoryOf(p), "/empty", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		req           *plan.Request
		before, after string // of each piece
	}{
		{target("/a/f.txt"), "part of a file", "part of a file"},
		{target("/a/f.txt", "Range", "bytes=1-3"), "part of a file", "part of a file"},
		{target("/none"), "memory", "memory"},
		{target("/empty"), "memory", "memory"},
		{target("/a/f.txt?md5"), "not prepared", "memory"},
		{target("/a/?tar"), "not prepared, not prepared, not prepared, not prepared", "memory, part of a file, memory, memory"},
		{target("/a/"), "stream", "stream"},
	} {
		t.Run(tt.req.URI, func(t *testing.T) {
			pl := p.Plan(tt.req, plan.Lookup{})
			resp := pl.Respond(t.Context())
			defer resp.Release()
			want := ""
			if resp.Body.Size() >= 0 {
				want = contentOf(t, resp.Body)
			}
			var before, after []string
			got := ""
			for i := range resp.Body {
				piece := &resp.Body[i]
				before = append(before, sourceOf(piece))
				if err := piece.Prepare(t.Context()); err != nil {
					t.Fatal(err)
				}
				after = append(after, sourceOf(piece))
				if !piece.IsStream() {
					got += readPiece(t, piece)
				}
				piece.Close()
				if again := sourceOf(piece); again != before[i] {
					t.Errorf("after Close piece %d is %q, want %q", i, again, before[i])
				}
			}
			if b, a := strings.Join(before, ", "), strings.Join(after, ", "); b != tt.before || a != tt.after {
				t.Errorf("the pieces are %q, and after Prepare %q, want %q and %q", b, a, tt.before, tt.after)
			}
			if got != want {
				t.Errorf("got %.40q, want %.40q", got, want)
			}
		})
	}
}

// memoryOf returns the file system of a planner.
func memoryOf(p *plan.Planner) afero.Fs { return p.Tree }

func TestAPieceSaysWhereItsFileIs(t *testing.T) {
	dir := nettest.TempDir(t)
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, size := range map[string]int{"big": 100_000, "small": 5} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cache := &filecache.Cache{Tree: root, Valid: time.Hour}
	defer cache.Close()
	p := plan.New(plan.Config{Files: cache, Tree: root})
	for name, source := range map[string]string{"/big": "part of a file", "/small": "content of a file"} {
		f, err := cache.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Residence = residence.Memory
		f.Release()
		pl := p.Plan(target(name), plan.Lookup{})
		resp := pl.Respond(t.Context())
		if got := sourceOf(&resp.Body[0]); got != source {
			t.Errorf("%s: %q, want %q", name, got, source)
		}
		if _, _, _, where, ok := resp.Body[0].FilePart(); ok && where != residence.Memory {
			t.Errorf("%s is in %v, want memory", name, where)
		}
		resp.Release()
	}
}

func TestAPieceThatCannotBePreparedIsAnError(t *testing.T) {
	opened := &closing{}
	for name, tt := range map[string]struct {
		piece plan.Piece
		want  error // nil: any
	}{
		"no file":     {plan.PieceOf(1, func() (archive.File, error) { return nil, fs.ErrNotExist }, nil), fs.ErrNotExist},
		"no content":  {plan.PieceOf(1, nil, func(context.Context) ([]byte, error) { return []byte("x"), io.ErrNoProgress }), io.ErrNoProgress},
		"short":       {plan.PieceOf(2, nil, func(context.Context) ([]byte, error) { return []byte("x"), nil }), nil},
		"the context": {plan.PieceOf(1, nil, func(ctx context.Context) ([]byte, error) { return nil, ctx.Err() }), context.Canceled},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := tt.piece.Prepare(ctx)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if got := sourceOf(&tt.piece); got != "not prepared" {
			t.Errorf("%s: the piece is %q", name, got)
		}
		tt.piece.Close() // is allowed
		if err := tt.piece.WriteTo(ctx, new(sink)); err == nil {
			t.Errorf("%s: it is written without an error", name)
		}
	}
	piece := plan.PieceOf(1, func() (archive.File, error) { return opened, nil }, nil)
	for range 2 {
		if err := piece.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	piece.Close()
	piece.Close()
	if opened.closed != 1 {
		t.Errorf("a file that was opened once is closed %d times", opened.closed)
	}
}

// closing counts how often it is closed.
type closing struct {
	archive.File
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }
