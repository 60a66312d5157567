package fsprobe

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"sluice/sendfile"
)

const (
	maxEntries = 100 // of a directory that is searched for a file
	maxDirs    = 10
	sampled    = 64 << 10 // bytes that are sent; a socket has room for them
)

// tryReading sends the beginning of some file that exists.
func (p *probe) tryReading(root *os.Root, r *Report) {
	dirs := []string{"."}
	for searched := 0; len(dirs) > 0 && searched < maxDirs; searched++ {
		dir := dirs[0]
		dirs = dirs[1:]
		if !p.begin(r, "reading a directory") {
			return
		}
		for _, e := range entries(root, dir) {
			name := path.Join(dir, e.Name())
			switch {
			case e.IsDir():
				dirs = append(dirs, name)
			case e.Type().IsRegular():
				if r.Sendfile = p.sends(root, r, name); r.Sendfile != NotTried {
					return
				}
			}
		}
	}
}

func entries(root *os.Root, dir string) []fs.DirEntry {
	d, err := root.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	all, _ := d.ReadDir(maxEntries) // those before an error will do
	return all
}

// sends reports whether the content of a file goes to a socket without a copy. An empty file, and one that cannot be read,
// is no evidence.
func (p *probe) sends(root *os.Root, r *Report, name string) Answer {
	if !p.begin(r, "sending a file") {
		return NotTried
	}
	f, err := root.Open(name)
	if err != nil {
		return NotTried
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return NotTried
	}
	a, b, err := socketPair()
	if err != nil {
		return NotTried
	}
	defer a.Close()
	defer b.Close()
	go func() { _, _ = io.Copy(io.Discard, b) }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	res, err := sendfile.Send(ctx, a, f, 0, min(info.Size(), sampled), nil)
	if err != nil {
		return NotTried
	}
	return answer(res.Method == sendfile.Sendfile)
}
