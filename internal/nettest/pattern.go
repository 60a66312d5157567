package nettest

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// The pattern is endless content in which no part repeats: the eight bytes at
// 8*i are a hash of i in little-endian order. So the SHA-256 of received bytes
// detects a wrong offset, a gap and a repetition.

// word returns the eight bytes at 8*i: splitmix64's output number i.
func word(i uint64) uint64 {
	i = (i + 1) * 0x9e3779b97f4a7c15
	i = (i ^ i>>30) * 0xbf58476d1ce4e5b9
	i = (i ^ i>>27) * 0x94d049bb133111eb
	return i ^ i>>31
}

// PatternAt fills p with the pattern from off, which must not be negative.
func PatternAt(p []byte, off int64) {
	i := uint64(off) / 8
	if skip := off % 8; skip != 0 {
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], word(i))
		p = p[copy(p, w[skip:]):]
		i++
	}
	for ; len(p) >= 8; p = p[8:] {
		binary.LittleEndian.PutUint64(p, word(i))
		i++
	}
	if len(p) > 0 {
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], word(i))
		copy(p, w[:])
	}
}

// Pattern returns a reader of the first n bytes of the pattern. It is an
// io.ReadSeeker and an io.ReaderAt too.
func Pattern(n int64) io.Reader { return section(0, n) }

// PatternSum returns the SHA-256 of the n bytes of the pattern from off.
func PatternSum(off, n int64) [32]byte {
	h := sha256.New()
	_, _ = io.Copy(h, section(off, n)) // neither side can fail
	return [32]byte(h.Sum(nil))
}

// PatternFile returns a file with the first size bytes of the pattern, open for
// reading and writing, at position 0. It is closed and removed when the test ends.
func PatternFile(t testing.TB, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(TempDir(t), "pattern"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := io.Copy(io.NewOffsetWriter(f, 0), Pattern(size)); err != nil {
		t.Fatal(err)
	}
	return f
}

func section(off, n int64) *io.SectionReader { return io.NewSectionReader(pattern{}, off, n) }

// pattern is the whole pattern as an io.ReaderAt.
type pattern struct{}

func (pattern) ReadAt(p []byte, off int64) (int, error) {
	PatternAt(p, off)
	return len(p), nil
}
