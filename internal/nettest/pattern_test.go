package nettest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"testing"
	"testing/iotest"

	"sluice/internal/nettest"
)

// Other tests depend on the pattern, so it must never change. These are the first
// outputs of splitmix64 with seed 0.
func TestPatternIsSplitmix64(t *testing.T) {
	var p [24]byte
	nettest.PatternAt(p[:], 0)
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := binary.LittleEndian.Uint64(p[8*i:]); got != want {
			t.Errorf("word %d = %#x, want %#x", i, got, want)
		}
	}
}

func TestPatternAtAnyOffsetAndLength(t *testing.T) {
	whole := make([]byte, 100)
	nettest.PatternAt(whole, 0)
	for off := range whole {
		for end := off; end <= len(whole); end++ {
			p := make([]byte, end-off)
			nettest.PatternAt(p, int64(off))
			if !bytes.Equal(p, whole[off:end]) {
				t.Fatalf("PatternAt %d to %d = %x, want %x", off, end, p, whole[off:end])
			}
		}
	}
}

func TestPatternBeyondFourGiB(t *testing.T) {
	near, far := make([]byte, 64), make([]byte, 64)
	nettest.PatternAt(near, 0)
	for _, off := range []int64{1 << 31, 1 << 32, 1 << 35} {
		nettest.PatternAt(far, off)
		if bytes.Equal(near, far) {
			t.Errorf("the pattern at %d is that at 0", off)
		}
	}
}

func TestPatternReads(t *testing.T) {
	want := make([]byte, 1000)
	nettest.PatternAt(want, 0)
	if err := iotest.TestReader(nettest.Pattern(1000), want); err != nil {
		t.Error(err)
	}
}

func TestPatternSum(t *testing.T) {
	p := make([]byte, 70_000)
	nettest.PatternAt(p, 13)
	if got, want := nettest.PatternSum(13, int64(len(p))), sha256.Sum256(p); got != want {
		t.Errorf("PatternSum(13) = %x, want %x", got, want)
	}
	if nettest.PatternSum(13, 100) == nettest.PatternSum(14, 100) {
		t.Error("the sums at 13 and 14 are the same")
	}
}

func TestPatternFile(t *testing.T) {
	for _, size := range []int64{0, 1, 100_001} {
		f := nettest.PatternFile(t, size)
		pos, err := f.Seek(0, io.SeekCurrent)
		if pos != 0 || err != nil {
			t.Errorf("position = %d, %v, want 0", pos, err)
		}
		want := nettest.Got{N: size, SHA256: nettest.PatternSum(0, size)}
		if got := <-nettest.Sum(t, f); got != want {
			t.Errorf("file of %d bytes: got %+v, want %+v", size, got, want)
		}
	}
}

func BenchmarkPatternAt(b *testing.B) {
	p := make([]byte, 1<<20)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		nettest.PatternAt(p, 3)
	}
}
