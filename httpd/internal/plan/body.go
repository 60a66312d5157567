package plan

import (
	"context"
	"fmt"
	"io"

	"sluice/internal/archive"
	"sluice/internal/filecache"
	"sluice/internal/residence"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// Body is the content of a response: pieces that are sent in order.
type Body []Piece

// Piece is a part of a body. It has one source: content in memory, an open file,
// a file that is opened when its turn comes and closed after, content that is made
// then, or a stream.
type Piece struct {
	off, n int64 // the part of the source; n is negative for a stream

	data   []byte              // in memory; if file is set too, all content of that file
	file   archive.File        // open; the owner of the Response closes it, or Close what Prepare has opened
	where  residence.Residence // of file
	disk   sendfile.Admission  // for calls of file; nil: see Planner.DiskOf
	open   func() (archive.File, error)
	make   func(ctx context.Context) ([]byte, error) // always of the same length
	stream stream
}

// A stream writes content of a length that is not known before its end.
type stream func(ctx context.Context, w io.Writer) error

// Sink is where a body goes. Its methods return errors that end the response.
type Sink interface {
	// Write sends bytes that are not the content of a file.
	io.Writer

	// WriteFile sends the content of a file, or a part of it, from memory.
	WriteFile(content []byte) error

	// SendFile sends n bytes of f from off on.
	SendFile(f io.ReaderAt, off, n int64) error

	// StopClock is called before content is made. Until the next call of another
	// method the client is not to blame for the time that passes.
	StopClock()
}

// WriteTo sends the body. ctx is for content that is made.
func (b Body) WriteTo(ctx context.Context, s Sink) error {
	for i := range b {
		if err := b[i].WriteTo(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// WriteTo sends the piece. ctx is for content that is made.
func (p *Piece) WriteTo(ctx context.Context, s Sink) error {
	switch {
	case p.n == 0:
		return nil
	case p.IsStream():
		return p.stream(ctx, s)
	case p.make != nil:
		s.StopClock()
	}
	if err := p.Prepare(ctx); err != nil {
		return err
	}
	defer p.Close()
	if f, off, n, _, ok := p.FilePart(); ok {
		return s.SendFile(f, off, n)
	}
	content, isFile, _ := p.Bytes()
	if isFile {
		return s.WriteFile(content)
	}
	_, err := s.Write(content)
	return err
}

// The methods below are for a caller that sends pieces without a Sink. Each piece is a stream, or after Prepare either
// Bytes or FilePart has its content.

// IsStream reports whether only WriteTo can send the piece.
func (p *Piece) IsStream() bool { return p.stream != nil }

// Bytes returns the content of a piece that is in memory, and whether it is that of a file. The caller does not change
// it.
func (p *Piece) Bytes() (content []byte, isFile, ok bool) {
	if p.data == nil {
		return nil, false, p.n == 0
	}
	return p.data[p.off : p.off+p.n], p.file != nil, true
}

// FilePart returns the part of an open file that the piece is: n bytes from off on.
func (p *Piece) FilePart() (f io.ReaderAt, off, n int64, where residence.Residence, ok bool) {
	if p.data != nil || p.file == nil || p.n == 0 {
		return nil, 0, 0, residence.Unknown, false
	}
	return vfs.Content(p.file), p.off, p.n, p.where, true
}

// Disk returns what admits calls for the file of FilePart; nil: Planner.DiskOf finds it.
func (p *Piece) Disk() sendfile.Admission { return p.disk }

// Prepare opens the file or makes the content of a piece that is not there yet, which may take as long as it takes to
// read files. It does nothing for all other pieces. The caller calls Close when the piece is sent.
func (p *Piece) Prepare(ctx context.Context) error {
	switch {
	case p.n == 0 || p.data != nil || p.file != nil:
	case p.open != nil:
		f, err := p.open()
		if err != nil {
			return err
		}
		p.file = f
	case p.make != nil:
		data, err := p.make(ctx)
		if err != nil {
			return err
		}
		if int64(len(data)) < p.off+p.n {
			return fmt.Errorf("a part of %d bytes was made, %d were promised", len(data), p.off+p.n)
		}
		p.data = data
	}
	return nil
}

// Close gives back what Prepare has opened or made.
func (p *Piece) Close() {
	switch {
	case p.open != nil && p.file != nil:
		_ = p.file.Close() // an error does not matter: it was only read
		p.file = nil
	case p.make != nil:
		p.data = nil
	}
}

// Size returns the length of the piece.
func (p *Piece) Size() int64 { return p.n }

// filePiece returns a piece that is a whole file.
func filePiece(f *filecache.File) Piece {
	return Piece{n: f.Info.Size(), file: f.File, where: f.Residence, disk: f.Mount, data: f.Body}
}

// textPiece returns a piece that is in memory.
func textPiece[T string | []byte](s T) Piece { return Piece{n: int64(len(s)), data: []byte(s)} }

// streamBody returns a body that is a stream.
func streamBody(s stream) Body { return Body{{n: -1, stream: s}} }

// isStream reports whether the length of the body is not known before its end.
func (b Body) isStream() bool { return len(b) == 1 && b[0].stream != nil }

// Size returns the length of the body, or -1 if it is not known before its end.
func (b Body) Size() int64 {
	if b.isStream() {
		return -1
	}
	var n int64
	for i := range b {
		n += b[i].n
	}
	return n
}

// cut returns n bytes of the body from off on, which must lie inside. It
// shares the sources.
func (b Body) cut(off, n int64) Body {
	var part Body
	for _, p := range b {
		if n == 0 {
			break
		}
		if off >= p.n {
			off -= p.n
			continue
		}
		p.off += off
		p.n = min(p.n-off, n)
		off, n = 0, n-p.n
		part = append(part, p)
	}
	return part
}
