package fsprobe

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/partial"
)

// hiddenName returns a new name for a file that no client sees.
func hiddenName() string { return partial.Prefix + "probe." + rand.Text() + partial.Suffix }

// tryWriting makes a file as an upload does, and tries what uploads need.
func (p *probe) tryWriting(root *os.Root, r *Report) {
	if !p.begin(r, "making a file") {
		return
	}
	name := hiddenName()
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		r.Err = cause(err)
		return
	}
	defer root.Remove(name)
	content := bytes.Repeat([]byte("sluice "), 1000)
	if p.begin(r, "writing") {
		_, err = f.Write(content)
	}
	if err == nil {
		p.tryOpenFile(root, r, f, name, content)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		r.Err = cause(err)
		return
	}
	if p.begin(r, "setting a time") {
		r.Time = timeUnit(root, name)
	}
	if p.begin(r, "looking a name up") {
		_, err := root.Lstat(strings.ToUpper(name))
		r.Cases = answer(errors.Is(err, fs.ErrNotExist))
	}
	if p.begin(r, "writing into a file that exists") {
		r.Resume = answer(resumes(root, name, content))
	}
	if p.begin(r, "replacing a file") {
		r.Replace = answer(replaces(root, name))
	}
	r.Sendfile = p.sends(root, r, name)
}

// tryOpenFile tries what can be done with f, which is open for writing and has the content.
func (p *probe) tryOpenFile(root *os.Root, r *Report, f *os.File, name string, content []byte) {
	if p.begin(r, "reading what was written") {
		r.Seen = seen(root, name, content)
	}
	if p.begin(r, "locking") {
		if other, err := root.OpenFile(name, os.O_WRONLY, 0); err == nil {
			r.Lock = locks(f, other)
			_ = other.Close()
		}
	}
	if p.begin(r, "syncing") {
		r.Sync = answer(f.Sync() == nil)
	}
}

// seeing is how long a second descriptor may wait for the first one. rclone without a cache has it wait until that is closed.
const seeing = 500 * time.Millisecond

// seen reports whether a second descriptor sees the content of a file that is open for writing.
func seen(root *os.Root, name string, content []byte) Answer {
	result := make(chan bool, 1)
	go func() {
		got, err := readAll(root, name)
		result <- err == nil && bytes.Equal(got, content)
	}()
	select {
	case yes := <-result:
		return answer(yes)
	case <-time.After(seeing):
		return No
	}
}

// resumes reports whether bytes can be written into a file that exists.
func resumes(root *os.Root, name string, content []byte) bool {
	const off, changed = 1000, "SLUICE"
	f, err := root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	_, err = f.WriteAt([]byte(changed), off)
	if closeErr := f.Close(); err != nil || closeErr != nil {
		return false
	}
	want := bytes.Clone(content)
	copy(want[off:], changed)
	got, err := readAll(root, name)
	return err == nil && bytes.Equal(got, want)
}

const (
	rounds        = 10
	replacingTime = 300 * time.Millisecond
)

// replaces reports whether a rename replaces the file name again and again, while it is opened without a pause and is always
// there.
func replaces(root *os.Root, name string) bool {
	var wasMissing atomic.Bool
	var reading sync.WaitGroup
	over := make(chan struct{})
	reading.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			f, err := root.Open(name)
			if err == nil {
				_ = f.Close()
			}
			if errors.Is(err, fs.ErrNotExist) {
				wasMissing.Store(true)
			}
		}
	})
	isReplaced := true
	next := hiddenName()
	for i, end := 0, time.Now().Add(replacingTime); isReplaced && i < rounds && (i == 0 || time.Now().Before(end)); i++ {
		content := []byte{byte(i)}
		err := root.WriteFile(next, content, 0o600)
		if err == nil {
			err = root.Rename(next, name)
		}
		got, readErr := readAll(root, name)
		isReplaced = err == nil && readErr == nil && bytes.Equal(got, content)
	}
	close(over)
	reading.Wait()
	_ = root.Remove(next) // it is there if a rename has failed
	return isReplaced && !wasMissing.Load()
}

// timeUnit returns the unit of the time of modification that a file gets; 0: it cannot be set, or is another one.
func timeUnit(root *os.Root, name string) time.Duration {
	set := time.Unix(time.Now().Unix()|1, 123_456_789) // an odd second
	if root.Chtimes(name, set, set) != nil {
		return 0
	}
	info, err := root.Lstat(name)
	if err != nil {
		return 0
	}
	for _, unit := range []time.Duration{1, 100, time.Microsecond, time.Millisecond, 10 * time.Millisecond, time.Second, 2 * time.Second} {
		if info.ModTime().UnixNano() == set.UnixNano()/int64(unit)*int64(unit) {
			return unit
		}
	}
	return 0
}

func readAll(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
