package metrics

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

func TestParseMaps(t *testing.T) {
	const whole = "55e0-66F0 r-xp 00001000 fe:01 4711                       /usr/lib/a file\\012: x\n" +
		"Size:                  8 kB\nRss:                   4 kB\nPss:                   2 kB\nPss_Dirty:             9 kB\n" +
		"Shared_Clean:          1 kB\nShared_Dirty:          2 kB\nPrivate_Clean:         3 kB\nPrivate_Dirty:         4 kB\n" +
		"Referenced:            5 kB\nAnonymous:             6 kB\nSwap:                  7 kB\nVmFlags: rd ex mr\n"
	first := MemoryMap{
		Start: 0x55e0, End: 0x66f0, Access: "r-xp", Offset: 0x1000, Path: "/usr/lib/a file\n: x",
		RSS: 4 << 10, PSS: 2 << 10, SharedClean: 1 << 10, SharedDirty: 2 << 10, PrivateClean: 3 << 10, PrivateDirty: 4 << 10,
		Referenced: 5 << 10, Anonymous: 6 << 10, Swap: 7 << 10,
	}
	for _, tt := range []struct {
		name, in string
		want     []MemoryMap
		ok       bool
	}{
		{"one", whole, []MemoryMap{first}, true},
		{"and one without a name", whole + "7000-8000 rw-s 00000000 00:00 0 \nRss: 1 kB\n", []MemoryMap{first, {Start: 0x7000, End: 0x8000, Access: "rw-s", RSS: 1024}}, true},
		{"nothing", "", nil, true},
		{"a figure without a mapping", "Rss: 1 kB\n", nil, false},
		{"a line that is cut off", whole[:len(whole)-3], nil, false},
		{"no number", "7000-8000 rw-s 00000000 00:00 0 \nRss: x kB\n", nil, false},
		{"a number that is too large", "7000-8000 rw-s 00000000 00:00 0 \nRss: 18446744073709551615 kB\n", nil, false},
		{"addresses in the wrong order", "8000-7000 rw-s 00000000 00:00 0 \n", nil, false},
		{"no addresses", "hello\n", nil, false},
	} {
		if got, ok := parseMaps([]byte(tt.in)); ok != tt.ok || ok && !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v and %+v, want %v and %+v", tt.name, ok, got, tt.ok, tt.want)
		}
	}
}

func TestMemoryMapsOfThisProcess(t *testing.T) {
	nettest.CheckLeaks(t)
	f, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size := 4 * os.Getpagesize()
	b, err := unix.Mmap(int(f.Fd()), int64(os.Getpagesize()), size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(b) }()
	_ = bytes.Count(b, []byte{0}) // reads all pages
	p := Self()
	defer p.Close()
	maps, err := p.MemoryMaps()
	if err != nil {
		t.Fatal(err)
	}
	at := uint64(uintptr(unsafe.Pointer(&b[0])))
	i := slices.IndexFunc(maps, func(m MemoryMap) bool { return m.Start == at })
	if i < 0 {
		t.Fatalf("the mapping at %#x is missing", at)
	}
	if m := maps[i]; m.End != at+uint64(size) || m.Access != "r--s" || m.Offset != uint64(os.Getpagesize()) || m.RSS != uint64(size) || m.Anonymous != 0 || m.Path == "" {
		t.Errorf("got %+v, want 4 pages in RAM", m)
	}
}
