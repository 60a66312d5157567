package digest_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/budget"
	"sluice/internal/digest"
	"sluice/internal/nettest"
)

// client returns the party of a client; equal numbers are the same client.
func client(n byte) budget.Party {
	return budget.Party{Client: netip.AddrFrom4([4]byte{10, 0, 0, n})}
}

// slowFile is a file of zeros that takes a second to read 16 MiB, in time that passes at once.
type slowFile struct {
	size  int64
	wait  time.Duration // more of each read
	reads chan<- int64  // gets the size of the file at each read; nil: nothing does
}

func (f *slowFile) ReadAt(p []byte, off int64) (int, error) {
	if f.reads != nil {
		f.reads <- f.size
	}
	time.Sleep(time.Duration(len(p))*time.Second>>24 + f.wait)
	clear(p)
	return len(p), nil
}

func (f *slowFile) Name() string               { return "slow" }
func (f *slowFile) Stat() (fs.FileInfo, error) { return slowInfo{f}, nil }

type slowInfo struct{ f *slowFile }

func (i slowInfo) Name() string     { return "slow" }
func (i slowInfo) Size() int64      { return i.f.size }
func (slowInfo) Mode() fs.FileMode  { return 0o644 }
func (slowInfo) ModTime() time.Time { return time.Unix(1e9, 0) }
func (slowInfo) IsDir() bool        { return false }
func (slowInfo) Sys() any           { return nil }

const oneTurn = 20 * time.Millisecond

func TestLargeChecksumsDelayASmallOneByATurn(t *testing.T) {
	for _, tt := range []struct {
		name      string
		strangers []byte // the clients that want large ones
	}{
		{"of one stranger", []byte{1}},
		{"of one stranger with twenty", slices.Repeat([]byte{1}, 20)},
		{"of the same client", slices.Repeat([]byte{9}, 20)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cache := &digest.Cache{Turns: budget.NewPool("checksums", budget.Bounds{Size: 1, Queue: 100})}
				ctx, cancel := context.WithCancel(t.Context())
				var all sync.WaitGroup
				for _, n := range tt.strangers {
					all.Go(func() {
						if _, err := cache.Sum(ctx, client(n), &slowFile{size: 1 << 40}, digest.SHA256); !errors.Is(err, context.Canceled) {
							t.Error(err)
						}
					})
				}
				time.Sleep(10*time.Second + 20*time.Millisecond) // in the middle of a turn
				mine, begun := client(9), time.Now()
				mine.Waits = new(budget.Tally)
				if _, err := cache.Sum(ctx, mine, &slowFile{size: digest.Block}, digest.SHA256); err != nil {
					t.Error(err)
				}
				if took := time.Since(begun); took > 2*oneTurn {
					t.Errorf("a small checksum took %v, want about %v", took, oneTurn)
				}
				if waited, longest := mine.Waits.Waited(); waited == 0 || longest.By.Client != client(tt.strangers[0]).Client {
					t.Errorf("it waited %v, for %+v", waited, longest)
				}
				cancel()
				all.Wait()
			})
		})
	}
}

func TestEqualClientsHaveEqualTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := &digest.Cache{Turns: budget.NewPool("checksums", budget.Bounds{Size: 1, Queue: 100})}
		ctx, cancel := context.WithCancel(t.Context())
		reads, read := make(chan int64), make(map[int64]int)
		var all sync.WaitGroup
		for n, size := range map[byte]int64{1: 1 << 40, 2: 1 << 41} {
			all.Go(func() { _, _ = cache.Sum(ctx, client(n), &slowFile{size: size, reads: reads}, digest.SHA256) })
		}
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			read[<-reads]++
		}
		cancel()
		go func() { all.Wait(); close(reads) }()
		for range reads {
		}
		a, b := read[1<<40], read[1<<41]
		if part := float64(a) / float64(a+b); part < 0.45 || part > 0.55 {
			t.Errorf("%d and %d blocks were read, want as many of both", a, b)
		}
	})
}

// All who wait for a checksum have their turns for it.
func TestASharedChecksumIsOfTheClientWhoseTurnItIs(t *testing.T) {
	needsIDs(t)
	path := plant(t, "").Name()
	if err := os.Truncate(path, 100*digest.Block); err != nil {
		t.Fatal(err)
	}
	first, second := open(t, path), open(t, path)
	synctest.Test(t, func(t *testing.T) {
		cache := &digest.Cache{Turns: budget.NewPool("checksums", budget.Bounds{Size: 1, Queue: 100})}
		cache.SetReadAt(func(f digest.File, p []byte, off int64) (int, error) {
			time.Sleep(10 * time.Millisecond)
			return f.ReadAt(p, off)
		})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 10 { // of client 1, which has used much, and has all that is shared at the end of its queue
			all.Go(func() { _, _ = cache.Sum(ctx, client(1), &slowFile{size: 1 << 20, wait: time.Hour}, digest.SHA256) })
		}
		synctest.Wait()
		all.Go(func() { _, _ = cache.Sum(ctx, client(1), first, digest.SHA256) })
		synctest.Wait()
		begun := time.Now()
		if _, err := cache.Sum(ctx, client(2), second, digest.SHA256); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("the checksum took %v, want a second of its own and a few turns of others", took)
		}
		cancel()
		all.Wait()
	})
}

func TestAReadThatHangsKeepsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := budget.NewPool("checksums", budget.Bounds{Size: 1, Queue: 100})
		cache := &digest.Cache{Turns: turns}
		ctx, cancel := context.WithCancel(t.Context())
		hung := make(chan error)
		go func() {
			_, err := cache.Sum(ctx, client(1), &slowFile{size: 1 << 20, wait: time.Hour}, digest.SHA256)
			hung <- err
		}()
		time.Sleep(time.Millisecond)
		begun := time.Now()
		if _, err := cache.Sum(ctx, client(2), &slowFile{size: digest.Block}, digest.SHA256); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 200*time.Millisecond {
			t.Errorf("another file took %v", took)
		}
		if err := <-hung; err != nil { // it goes on when the file system does
			t.Error(err)
		}
		cancel()
		if s := turns.Stats(); s.InUse != 0 || s.Waiting != 0 {
			t.Errorf("got %+v, want no turn taken", s)
		}
	})
}

func TestAChecksumWithoutATurnIsRefused(t *testing.T) {
	turns := budget.NewPool("checksums", budget.Bounds{Size: 1})
	held, err := turns.TryTake(client(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	cache := &digest.Cache{Turns: turns}
	f := plant(t, "content")
	if sum, err := cache.Sum(t.Context(), client(2), f, digest.SHA256); !budget.IsRefusal(err) {
		t.Errorf("got %x, %v, want a refusal", sum, err)
	}
	held.Release()
	check(t, cache, f, "content")
	if !cache.Idle() {
		t.Error("a computation is left")
	}
}

func sumOf(algorithm digest.Algorithm, content []byte) []byte {
	if algorithm == digest.CRC32 {
		return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(content))
	}
	sum := sha256.Sum256(content)
	return sum[:]
}

func TestHolesAreZeros(t *testing.T) {
	const hole = 3*digest.Block + 5
	for _, tt := range []struct {
		name  string
		parts []int // negative: a hole
	}{
		{"a hole alone", []int{-hole}},
		{"a hole at the beginning", []int{-hole, 10}},
		{"a hole at the end", []int{10, -hole}},
		{"holes between data", []int{5000, -hole, 2 * digest.Block, -hole, 1}},
		{"data alone", []int{digest.Block + 1}},
		{"nothing", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := os.Create(plant(t, "").Name())
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var want []byte
			for _, n := range tt.parts {
				if n < 0 {
					want = append(want, make([]byte, -n)...)
					continue
				}
				part := make([]byte, n)
				nettest.PatternAt(part, int64(len(want)))
				if _, err := f.WriteAt(part, int64(len(want))); err != nil {
					t.Fatal(err)
				}
				want = append(want, part...)
			}
			if err := f.Truncate(int64(len(want))); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Seek(3, 0); err != nil {
				t.Fatal(err)
			}
			for _, algorithm := range []digest.Algorithm{digest.CRC32, digest.SHA256} {
				got, err := new(digest.Cache).Sum(t.Context(), nobody, f, algorithm)
				if want := sumOf(algorithm, want); string(got) != string(want) || err != nil {
					t.Errorf("%s: got %x, %v, want %x", algorithm, got, err, want)
				}
			}
			if len(want) > 2 {
				part := want[1 : len(want)-1]
				got, err := new(digest.Cache).Part(t.Context(), nobody, f, digest.SHA256, 1, int64(len(part)))
				if want := sha256.Sum256(part); string(got) != string(want[:]) || err != nil {
					t.Errorf("a part: got %x, %v, want %x", got, err, want)
				}
			}
			if position, err := f.Seek(0, 1); position != 3 || err != nil {
				t.Errorf("the position is %d, %v, want 3 as before", position, err)
			}
		})
	}
}

// A terabyte of zeros would take a quarter of an hour to read.
func TestHolesAreNotRead(t *testing.T) {
	f := plant(t, "content")
	if err := os.Truncate(f.Name(), 1<<40); err != nil {
		t.Skip("no large files here:", err)
	}
	if !digest.FindsHoles(f) {
		t.Skip("holes are not found on this system or file system")
	}
	got, err := new(digest.Cache).Sum(t.Context(), nobody, f, digest.CRC32)
	if want := "d4dc89e7"; err != nil || hex.EncodeToString(got) != want {
		t.Errorf("got %x, %v, want %s", got, err, want)
	}
}
