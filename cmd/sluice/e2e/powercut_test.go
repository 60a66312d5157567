//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/nettest"
)

// diskImage is a file system in a file. A copy of the file has what a disk would hold after
// a power cut at that moment, without the changes that the server has not synced. (This
// shows missing calls of fsync, but not whether a disk obeys them.)
type diskImage struct {
	t        *testing.T
	file     string   // the image
	dir      string   // its mount point
	options  string   // of mount
	unmounts []string // mount points in use
}

// newDisk makes a file system of this kind and mounts it, so that the kernel writes to it
// only after a sync, or after minutes.
func newDisk(t *testing.T, kind string) *diskImage {
	t.Helper()
	return newDiskOf(t, kind, 320<<20) // XFS needs 300 MiB
}

// newDiskOf is newDisk with a size in bytes.
func newDiskOf(t *testing.T, kind string, size int64) *diskImage {
	t.Helper()
	needsRoot(t)
	d := &diskImage{t: t, file: filepath.Join(t.TempDir(), kind), dir: t.TempDir()}
	if err := os.WriteFile(d.file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.file, size); err != nil {
		t.Fatal(err)
	}
	make := []string{"-q", d.file}
	switch kind {
	case "ext4":
		d.options = "loop,commit=300"
	case "btrfs":
		d.options = "loop,commit=300"
	case "xfs":
		d.options = "loop"
	}
	run(t, "/", "mkfs."+kind, make...)
	d.mount(d.file, d.dir, d.options)
	return d
}

func (d *diskImage) mount(file, dir, options string) {
	d.t.Helper()
	run(d.t, "/", "mount", "-o", options, file, dir)
	d.t.Cleanup(func() { d.unmount(dir) })
	d.unmounts = append(d.unmounts, dir)
}

func (d *diskImage) unmount(dir string) {
	d.t.Helper()
	for i, mounted := range d.unmounts {
		if mounted == dir {
			d.unmounts = append(d.unmounts[:i], d.unmounts[i+1:]...)
			if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil { // not by run, whose context ends before the cleanups of the test
				d.t.Errorf("umount: %v\n%s", err, out)
			}
			return
		}
	}
}

// cut copies the image, and returns the path of the copy.
func (d *diskImage) cut(name string) string {
	d.t.Helper()
	file := filepath.Join(filepath.Dir(d.file), name)
	run(d.t, "/", "cp", "--sparse=always", d.file, file)
	return file
}

// after mounts a copy of the image, calls look with the mount point, and removes the copy.
// The original must not be mounted, because the copy has the same file system ID.
func (d *diskImage) after(file string, look func(dir string)) {
	d.t.Helper()
	dir := d.t.TempDir()
	d.mount(file, dir, strings.Split(d.options, ",")[0]) // replays the journal
	look(dir)
	d.unmount(dir)
	if err := os.Remove(file); err != nil {
		d.t.Error(err)
	}
}

// change is a change that the server acknowledges.
type change struct {
	name string
	do   func(t *testing.T, c *ftpClient, i int) // makes the change; returns after the reply
	lost func(dir string, i int) error           // returns nil if dir has the change
}

const cutSize = 100_000

var changes = []change{
	{"STOR of a new file", func(t *testing.T, c *ftpClient, i int) { c.store(t, fmt.Sprint("STOR new", i)) },
		func(dir string, i int) error { return holdsPattern(dir, fmt.Sprint("new", i)) }},
	{"STOR over a file", func(t *testing.T, c *ftpClient, i int) { c.store(t, "STOR over") },
		func(dir string, _ int) error { return holdsPattern(dir, "over") }},
	{"APPE", func(t *testing.T, c *ftpClient, i int) { c.store(t, fmt.Sprint("APPE d/log", i)) },
		func(dir string, i int) error { return holdsPattern(dir, fmt.Sprint("d/log", i)) }},
	{"MKD", func(t *testing.T, c *ftpClient, i int) { c.must(t, 257, fmt.Sprint("MKD dir", i)) },
		func(dir string, i int) error { _, err := os.Stat(filepath.Join(dir, fmt.Sprint("dir", i))); return err }},
	{"RNTO to another directory", func(t *testing.T, c *ftpClient, i int) {
		c.store(t, fmt.Sprint("STOR moving", i))
		c.must(t, 350, fmt.Sprint("RNFR moving", i))
		c.must(t, 250, fmt.Sprint("RNTO d/moved", i))
	}, func(dir string, i int) error {
		if _, err := os.Stat(filepath.Join(dir, fmt.Sprint("moving", i))); err == nil {
			return fmt.Errorf("the old name is back")
		}
		return holdsPattern(dir, fmt.Sprint("d/moved", i))
	}},
}

// store uploads a file and returns after the reply.
func (c *ftpClient) store(t *testing.T, line string) {
	t.Helper()
	data, err := c.transfer(context.Background(), line)
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, cutSize)
	nettest.PatternAt(content, 0)
	if _, err := data.Write(content); err != nil {
		t.Fatal(err)
	}
	_ = data.Close()
	if _, err := c.expect(226); err != nil {
		t.Fatal(err)
	}
}

func (c *ftpClient) must(t *testing.T, code int, line string) {
	t.Helper()
	if _, err := c.do(code, line); err != nil {
		t.Fatal(err)
	}
}

func holdsPattern(dir, name string) error {
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	want := make([]byte, cutSize)
	nettest.PatternAt(want, 0)
	if string(content) != string(want) {
		return fmt.Errorf("%s has %d bytes, not the %d that were sent", name, len(content), cutSize)
	}
	return nil
}

// cutPowerAfterEach makes n changes of each kind, each followed by a power cut. It returns
// how many of each kind are lost, and how many changes it has made.
func cutPowerAfterEach(t *testing.T, d *diskImage, n int, flags ...string) (lost map[string]int, tried int) {
	t.Helper()
	flags = append([]string{"--user", login, "--write"}, flags...)
	s := startUnder(t, nil, d.dir, flags...)
	c, err := dialFTP(t.Context(), s.ftp.Host, user, password)
	if err != nil {
		t.Fatal(err)
	}
	c.must(t, 257, "MKD d")
	run(t, "/", "sync", "-f", d.dir)
	type moment struct {
		change *change
		i      int
		file   string
	}
	var moments []moment
	for i := range n {
		for k := range changes {
			changes[k].do(t, c, i)
			moments = append(moments, moment{&changes[k], i, d.cut(fmt.Sprint("cut", i, "-", k))})
		}
	}
	_ = c.conn.Close()
	s.signal(15)
	s.wantExit(patience)
	d.unmount(d.dir)
	lost = make(map[string]int)
	for _, m := range moments {
		d.after(m.file, func(dir string) {
			if err := m.change.lost(dir, m.i); err != nil {
				lost[m.change.name]++
				if flags[len(flags)-1] != "none" {
					t.Errorf("%s, try %d: %v", m.change.name, m.i, err)
				}
			}
		})
	}
	return lost, len(moments)
}

func TestAcknowledgedChangesSurviveAPowerCut(t *testing.T) {
	for _, kind := range []string{"ext4", "xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			const batch = 10 // limits the copies that exist at the same time
			for left := times(2); left > 0; left -= batch {
				lost, tried := cutPowerAfterEach(t, newDisk(t, kind), min(left, batch))
				t.Logf("%d changes, lost %v", tried, lost)
			}
		})
	}
}

// Without syncs the changes are lost, so the test above can fail.
func TestAPowerCutLosesUnsyncedChanges(t *testing.T) {
	lost, tried := cutPowerAfterEach(t, newDisk(t, "ext4"), 2, "--durability", "none")
	if len(lost) < len(changes) {
		t.Errorf("of %d changes without a sync, only these are lost: %v", tried, lost)
	}
}
