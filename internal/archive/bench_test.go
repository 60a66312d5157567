package archive_test

import (
	"fmt"
	"os"
	"testing"

	"sluice/internal/archive"
)

// BenchmarkLayout measures the time before the first byte of an archive of many files.
func BenchmarkLayout(b *testing.B) {
	entries := make([]archive.Entry, 100_000)
	for i := range entries {
		entries[i] = archive.Entry{
			Name: fmt.Sprintf("some/directory/file%d.dat", i), Size: 1000, Modified: then, Mode: 0o644,
			Open: func() (archive.File, error) { return nil, os.ErrInvalid },
		}
	}
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.lay(entries); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
