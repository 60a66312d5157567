package digest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/digest"
	"sluice/internal/nettest"
)

// await waits until ok. The guard is only there for the case of failure.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("does not come: ", what)
		}
	}
}

// gate is a cache whose reads wait to be let through.
type gate struct {
	digest.Cache
	arrived chan int64    // offset of a read
	through chan struct{} // lets one read through
	bytes   atomic.Int64
}

func newGate() *gate {
	g := &gate{arrived: make(chan int64, 100), through: make(chan struct{}, 100)}
	g.SetNow(later)
	g.SetReadAt(func(f digest.File, p []byte, off int64) (int, error) {
		g.arrived <- off
		<-g.through
		n, err := f.ReadAt(p, off)
		g.bytes.Add(int64(n))
		return n, err
	})
	return g
}

type result struct {
	sum []byte
	err error
}

// ask asks for the sum of a file that it opens for itself, and closes once it has the answer.
func (g *gate) ask(ctx context.Context, t *testing.T, path string) <-chan result {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan result, 1)
	go func() {
		sum, err := g.Sum(ctx, f, digest.SHA256)
		_ = f.Close()
		answer <- result{sum, err}
	}()
	return answer
}

func TestOneComputationForAllWhoWait(t *testing.T) {
	nettest.CheckLeaks(t)
	remembers(t)
	const size = 3 * digest.Block
	path := nettest.PatternFile(t, size).Name()
	g := newGate()
	var answers []<-chan result
	for range 10 {
		answers = append(answers, g.ask(t.Context(), t, path))
	}
	await(t, "ten who wait", func() bool { return g.Waiters() == 10 })
	for range 3 {
		g.through <- struct{}{}
	}
	want := nettest.PatternSum(0, size)
	for _, answer := range answers {
		if got := <-answer; string(got.sum) != string(want[:]) || got.err != nil {
			t.Errorf("got %x, %v, want %x", got.sum, got.err, want)
		}
	}
	if got := g.bytes.Load(); got != size {
		t.Errorf("got %d bytes read, want %d", got, size)
	}
}

// The one who reads loses interest and closes the file; another goes on at the same place.
func TestComputationOutlivesWhoBeganIt(t *testing.T) {
	nettest.CheckLeaks(t)
	remembers(t)
	const size = 3 * digest.Block
	path := nettest.PatternFile(t, size).Name()
	g := newGate()
	ctx, cancel := context.WithCancel(t.Context())
	first := g.ask(ctx, t, path)
	<-g.arrived
	second := g.ask(t.Context(), t, path)
	third, cancelThird := context.WithCancel(t.Context())
	waiting := g.ask(third, t, path)
	await(t, "three who wait", func() bool { return g.Waiters() == 3 })

	cancelThird()
	if got := <-waiting; !errors.Is(got.err, context.Canceled) {
		t.Errorf("who waited: got %x, %v, want %v", got.sum, got.err, context.Canceled)
	}
	cancel()
	g.through <- struct{}{}
	if got := <-first; !errors.Is(got.err, context.Canceled) {
		t.Errorf("who began: got %x, %v, want %v", got.sum, got.err, context.Canceled)
	}
	if off := <-g.arrived; off != digest.Block {
		t.Errorf("the second goes on at %d, want %d", off, digest.Block)
	}
	g.through <- struct{}{}
	g.through <- struct{}{}
	want := nettest.PatternSum(0, size)
	if got := <-second; string(got.sum) != string(want[:]) || got.err != nil {
		t.Errorf("who stayed: got %x, %v, want %x", got.sum, got.err, want)
	}
	if got := g.bytes.Load(); got != size {
		t.Errorf("got %d bytes read, want %d", got, size)
	}
}

func TestComputationEndsWhenNobodyWaits(t *testing.T) {
	nettest.CheckLeaks(t)
	path := nettest.PatternFile(t, 3*digest.Block).Name()
	g := newGate()
	ctx, cancel := context.WithCancel(t.Context())
	answer := g.ask(ctx, t, path)
	<-g.arrived
	cancel()
	g.through <- struct{}{}
	if got := <-answer; !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %x, %v, want %v", got.sum, got.err, context.Canceled)
	}
	if got := g.bytes.Load(); got != digest.Block || !g.Idle() {
		t.Errorf("got %d bytes read, idle = %v, want one block and nothing under way", got, g.Idle())
	}
}

func TestLargeFileIsLeftAtOnce(t *testing.T) {
	t.Parallel()
	f := plant(t, "")
	if err := os.Truncate(f.Name(), 1<<40); err != nil {
		t.Skip("no large files here:", err)
	}
	var cache digest.Cache
	ctx, cancel := context.WithCancel(t.Context())
	var reads int
	cache.SetReadAt(func(f digest.File, p []byte, off int64) (int, error) {
		if reads++; reads == 3 {
			cancel()
		}
		return f.ReadAt(p, off)
	})
	if sum, err := cache.Sum(ctx, f, digest.SHA256); !errors.Is(err, context.Canceled) || reads != 3 {
		t.Errorf("got %x, %v after %d reads, want %v after 3", sum, err, reads, context.Canceled)
	}
}

func TestFewFilesAreReadAtOnce(t *testing.T) {
	nettest.CheckLeaks(t)
	remembers(t)
	g := newGate()
	g.Parallel = 2
	var answers []<-chan result
	for range 5 {
		answers = append(answers, g.ask(t.Context(), t, plant(t, "content").Name()))
	}
	<-g.arrived
	<-g.arrived
	await(t, "five who wait", func() bool { return g.Waiters() == 5 })

	ctx, cancel := context.WithCancel(t.Context())
	impatient := g.ask(ctx, t, plant(t, "content").Name())
	await(t, "six who wait", func() bool { return g.Waiters() == 6 })
	cancel()
	if got := <-impatient; !errors.Is(got.err, context.Canceled) {
		t.Errorf("who waits for the others: got %x, %v, want %v", got.sum, got.err, context.Canceled)
	}
	if n := len(g.arrived); n != 0 {
		t.Errorf("got %d files read at once, want 2", 2+n)
	}
	for range answers {
		g.through <- struct{}{}
	}
	for _, answer := range answers {
		if got := <-answer; got.err != nil {
			t.Error(got.err)
		}
	}
	if !g.Idle() {
		t.Error("something is still under way")
	}
}

// Many ask and lose interest at any time; who stays gets the right sum.
func TestManyAskAndLoseInterest(t *testing.T) {
	nettest.CheckLeaks(t)
	const size = 8 * digest.Block
	path := nettest.PatternFile(t, size).Name()
	want := nettest.PatternSum(0, size)
	var cache digest.Cache // whose sums are too fresh to be remembered
	cache.Parallel = 2
	var askers sync.WaitGroup
	for i := range 16 {
		askers.Go(func() {
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			random := rand.New(rand.NewPCG(uint64(i), 0))
			for range 10 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%2 == 1 {
					time.AfterFunc(time.Duration(random.IntN(5000))*time.Microsecond, cancel)
				}
				sum, err := cache.Sum(ctx, f, digest.SHA256)
				cancel()
				if err == nil && string(sum) != string(want[:]) || err != nil && (i%2 == 0 || !errors.Is(err, context.Canceled)) {
					t.Errorf("got %x, %v, want %x", sum, err, want)
				}
			}
		})
	}
	askers.Wait()
	if !cache.Idle() {
		t.Error("something is still under way")
	}
}
