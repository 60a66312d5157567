package digest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/budget"
	"sluice/internal/digest"
	"sluice/internal/nettest"
)

// await waits until ok returns true. The timeout matters only if the test fails.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("timeout: ", what)
		}
	}
}

// gate is a cache whose reads wait for a value in proceed.
type gate struct {
	digest.Cache
	arrived chan int64    // offset of a read
	proceed chan struct{} // each value lets one read proceed
	bytes   atomic.Int64
}

func newGate() *gate {
	g := &gate{arrived: make(chan int64, 100), proceed: make(chan struct{}, 100)}
	g.SetNow(later)
	g.SetReadAt(func(f digest.File, p []byte, off int64) (int, error) {
		g.arrived <- off
		<-g.proceed
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

// sum opens a file, calls Sum and closes the file. It returns a channel for the result.
func (g *gate) sum(ctx context.Context, t *testing.T, path string) <-chan result {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan result, 1)
	go func() {
		sum, err := g.Sum(ctx, nobody, f, digest.SHA256)
		_ = f.Close()
		answer <- result{sum, err}
	}()
	return answer
}

func TestConcurrentCallsShareOneComputation(t *testing.T) {
	nettest.CheckLeaks(t)
	needsIDs(t)
	const size = 3 * digest.Block
	path := nettest.PatternFile(t, size).Name()
	g := newGate()
	var answers []<-chan result
	for range 10 {
		answers = append(answers, g.sum(t.Context(), t, path))
	}
	await(t, "ten calls wait", func() bool { return g.Waiters() == 10 })
	for range 3 {
		g.proceed <- struct{}{}
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

// The call that reads is cancelled and closes its file; another continues at the same offset.
func TestComputationOutlivesTheCallThatBeganIt(t *testing.T) {
	nettest.CheckLeaks(t)
	needsIDs(t)
	const size = 3 * digest.Block
	path := nettest.PatternFile(t, size).Name()
	g := newGate()
	ctx, cancel := context.WithCancel(t.Context())
	first := g.sum(ctx, t, path)
	<-g.arrived
	second := g.sum(t.Context(), t, path)
	third, cancelThird := context.WithCancel(t.Context())
	waiting := g.sum(third, t, path)
	await(t, "three calls wait", func() bool { return g.Waiters() == 3 })

	cancelThird()
	if got := <-waiting; !errors.Is(got.err, context.Canceled) {
		t.Errorf("the cancelled call that waited: got %x, %v, want %v", got.sum, got.err, context.Canceled)
	}
	cancel()
	g.proceed <- struct{}{}
	if got := <-first; !errors.Is(got.err, context.Canceled) {
		t.Errorf("the cancelled call that read: got %x, %v, want %v", got.sum, got.err, context.Canceled)
	}
	if off := <-g.arrived; off != digest.Block {
		t.Errorf("the second call continues at %d, want %d", off, digest.Block)
	}
	g.proceed <- struct{}{}
	g.proceed <- struct{}{}
	want := nettest.PatternSum(0, size)
	if got := <-second; string(got.sum) != string(want[:]) || got.err != nil {
		t.Errorf("the remaining call: got %x, %v, want %x", got.sum, got.err, want)
	}
	if got := g.bytes.Load(); got != size {
		t.Errorf("got %d bytes read, want %d", got, size)
	}
}

func TestComputationEndsWhenNoCallWaits(t *testing.T) {
	nettest.CheckLeaks(t)
	path := nettest.PatternFile(t, 3*digest.Block).Name()
	g := newGate()
	ctx, cancel := context.WithCancel(t.Context())
	answer := g.sum(ctx, t, path)
	<-g.arrived
	cancel()
	g.proceed <- struct{}{}
	if got := <-answer; !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %x, %v, want %v", got.sum, got.err, context.Canceled)
	}
	if got := g.bytes.Load(); got != digest.Block || !g.Idle() {
		t.Errorf("got %d bytes read, idle = %v, want one block and true", got, g.Idle())
	}
}

func TestCancelledCallStopsReadingALargeFile(t *testing.T) {
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
	if sum, err := cache.Sum(ctx, nobody, f, digest.SHA256); !errors.Is(err, context.Canceled) || reads != 3 {
		t.Errorf("got %x, %v after %d reads, want %v after 3", sum, err, reads, context.Canceled)
	}
}

func TestFewFilesAreReadAtOnce(t *testing.T) {
	needsIDs(t)
	synctest.Test(t, func(t *testing.T) { // in which reads take no time while they wait for the test
		g := newGate()
		g.Turns = budget.NewPool("checksums", budget.Bounds{Size: 2, Queue: 100})
		var answers []<-chan result
		for range 5 {
			answers = append(answers, g.sum(t.Context(), t, plant(t, "content").Name()))
		}
		<-g.arrived
		<-g.arrived
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		cancelled := g.sum(ctx, t, plant(t, "content").Name())
		synctest.Wait()
		if n := g.Waiters(); n != 6 {
			t.Errorf("%d calls wait, want 6", n)
		}
		cancel()
		if got := <-cancelled; !errors.Is(got.err, context.Canceled) {
			t.Errorf("the call that waits for the others: got %x, %v, want %v", got.sum, got.err, context.Canceled)
		}
		if n := len(g.arrived); n != 0 {
			t.Errorf("got %d files read at once, want 2", 2+n)
		}
		for range answers {
			g.proceed <- struct{}{}
		}
		for _, answer := range answers {
			if got := <-answer; got.err != nil {
				t.Error(got.err)
			}
		}
		if !g.Idle() {
			t.Error("a computation is left")
		}
	})
}

// Many calls are cancelled at random times; the others get the right sum.
func TestManyCallsAreCancelled(t *testing.T) {
	nettest.CheckLeaks(t)
	const size = 8 * digest.Block
	path := nettest.PatternFile(t, size).Name()
	want := nettest.PatternSum(0, size)
	var cache digest.Cache // the file is too fresh for its sum to be cached
	cache.Turns = budget.NewPool("checksums", budget.Bounds{Size: 2, Queue: 100})
	var callers sync.WaitGroup
	for i := range 16 {
		callers.Go(func() {
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
				sum, err := cache.Sum(ctx, nobody, f, digest.SHA256)
				cancel()
				if err == nil && string(sum) != string(want[:]) || err != nil && (i%2 == 0 || !errors.Is(err, context.Canceled)) {
					t.Errorf("got %x, %v, want %x", sum, err, want)
				}
			}
		})
	}
	callers.Wait()
	if !cache.Idle() {
		t.Error("a computation is left")
	}
}
