package archive_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"sluice/internal/archive"
)

// An archive is as the APPNOTE says, byte for byte.
func TestZipOfADirectoryAndAFile(t *testing.T) {
	t.Parallel()
	const want = `
		504b0304 1400 0000 0000 5c64 5d58 00000000 00000000 00000000 0200 0900   local header: no flags
			642f                                                               "d/"
			5554 0500 01 f079e065                                                Unix time
		504b0304 1400 0808 0000 5c64 5d58 00000000 00000000 00000000 0400 0900   descriptor, UTF-8
			642fc3a9                                                           "d/é"
			5554 0500 01 f079e065
			6869                                                               content
		504b0708 ac2a93d8 02000000 02000000                                      descriptor
		504b0102 2d03 1400 0000 0000 5c64 5d58 00000000 00000000 00000000 0200 0900
			0000 0000 0000 1000ed41 00000000                                   040755 and a directory, at 0
			642f
			5554 0500 01 f079e065
		504b0102 2d03 1400 0808 0000 5c64 5d58 ac2a93d8 02000000 02000000 0400 0900
			0000 0000 0000 0000a481 29000000                                   0100644, at 41
			642fc3a9
			5554 0500 01 f079e065
		504b0506 0000 0000 0200 0200 74000000 66000000 0000                      116 bytes of directory at 102
	`
	var hexes strings.Builder
	for line := range strings.Lines(want) {
		code, _, _ := strings.Cut(line, "   ")
		hexes.WriteString(strings.Join(strings.Fields(code), ""))
	}
	parts := lay(t, layouts[0], []archive.Entry{folder("d"), newFile(t, "d/é", "hi")})
	if got := hex.EncodeToString(assemble(t, parts)); got != hexes.String() {
		t.Errorf("got  %s\nwant %s", got, hexes.String())
	}
}

func TestZipComputesEachChecksumOnce(t *testing.T) {
	t.Parallel()
	var asked int
	entry := newFile(t, "file", "content")
	crc := entry.CRC
	entry.CRC = func(ctx context.Context) (uint32, error) {
		asked++
		return crc(ctx)
	}
	parts := lay(t, layouts[0], []archive.Entry{entry})
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := parts[len(parts)-2].Bytes(canceled); err == nil || asked != 1 {
		t.Errorf("directory with a context that is over: got %v after %d questions, want an error after 1", err, asked)
	}
	_ = assemble(t, parts)
	_ = assemble(t, parts)
	if asked != 2 {
		t.Errorf("asked for the checksum %d times, want once more", asked)
	}
}

func TestZipTimes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		in, want time.Time
	}{
		{"now and in another zone", then.In(time.FixedZone("", 3600)), then},
		{"an odd second, by the Unix time", then.Add(time.Second), then.Add(time.Second)},
		{"before 1980, by the Unix time", time.Unix(1, 0), time.Unix(1, 0)},
		{"before 1970", time.Unix(-1, 0), time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"the last second of 31 bits", time.Unix(math.MaxInt32, 0), time.Unix(math.MaxInt32, 0)},
		{"the next, by that of MS-DOS", time.Unix(math.MaxInt32+1, 0), time.Unix(math.MaxInt32+1, 0)},
		{"a far future", then.AddDate(1000, 0, 0), time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)},
	}
	for _, tt := range tests {
		parts := lay(t, layouts[0], []archive.Entry{{Name: "x", Modified: tt.in}})
		if got := readZip(t, assemble(t, parts))[0].time; !got.Equal(tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want.UTC())
		}
	}
}

// An archive is in ZIP64 format only where that is needed: some programs cannot read it.
func TestZip64CountOfEntries(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{65_534: false, 65_535: true, 65_536: true} {
		entries := make([]archive.Entry, n)
		for i := range entries {
			entries[i] = archive.Entry{Name: fmt.Sprint(i), Modified: then}
		}
		data := assemble(t, lay(t, layouts[0], entries))
		if got := hasZip64End(t, bytes.NewReader(data), int64(len(data))); got != want {
			t.Errorf("%d entries: ZIP64 = %v, want %v", n, got, want)
		}
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil || len(r.File) != n || r.File[n-1].Name != fmt.Sprint(n-1) {
			t.Errorf("%d entries: got %v, want all", n, err)
		}
	}
}

// hasZip64End reports whether the end of an archive is in ZIP64 format.
func hasZip64End(t *testing.T, data io.ReaderAt, size int64) bool {
	t.Helper()
	const lenLocator, lenEnd = 20, 22
	locator := make([]byte, lenLocator)
	if _, err := data.ReadAt(locator, size-lenEnd-lenLocator); err != nil {
		t.Fatal(err)
	}
	return string(locator[:4]) == "PK\x06\x07"
}

func TestZip64SizesAndOffsets(t *testing.T) {
	t.Parallel()
	const limit = math.MaxUint32
	tests := []struct {
		name  string
		sizes []int64
		long  []int // length of the ZIP64 field of each entry in the directory
		end   bool  // ZIP64 at the end
	}{
		{"the largest size without", []int64{limit - 1, 1}, []int{0, 12}, true},
		{"the smallest size with", []int64{limit, 1}, []int{20, 12}, true},
		{"the largest offset without", []int64{limit - 1 - (30 + 1 + 9) - 16, 1}, []int{0, 0}, true},
		{"the smallest offset with", []int64{limit - (30 + 1 + 9) - 16, 1}, []int{0, 12}, true},
		{"a directory before the limit", []int64{limit - 1 - 2*(30+1+9+16) - 1, 1}, []int{0, 0}, false},
		{"a directory at the limit", []int64{limit - 2*(30+1+9+16) - 1, 1}, []int{0, 0}, true},
		{"a size and an offset", []int64{limit, limit + 10, 3}, []int{20, 28, 12}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var entries []archive.Entry
			for i, size := range tt.sizes {
				entries = append(entries, sparse(t, string(rune('a'+i)), size))
			}
			entries[len(entries)-1] = newFile(t, "z", strings.Repeat("x", int(tt.sizes[len(tt.sizes)-1])))
			parts := lay(t, layouts[0], entries)
			r, err := zip.NewReader(whole(parts), size(parts))
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range r.File {
				if got, want := int64(f.UncompressedSize64), tt.sizes[i]; got != want {
					t.Errorf("%s: got a size of %d, want %d", f.Name, got, want)
				}
				const unixTime = 9
				if got, want := len(f.Extra)-unixTime, tt.long[i]; got != want {
					t.Errorf("%s: got a ZIP64 field of %d bytes, want %d", f.Name, got, want)
				}
			}
			last, err := r.File[len(r.File)-1].Open()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, last); err != nil {
				t.Errorf("the last file: %v", err)
			}
			if got := hasZip64End(t, whole(parts), size(parts)); got != tt.end {
				t.Errorf("ZIP64 at the end: got %v, want %v", got, tt.end)
			}
		})
	}
}
