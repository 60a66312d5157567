package quota

import (
	"os"
	"testing"
	"time"

	"sluice/internal/fileid"
	"sluice/internal/vfs"
)

// A disk that does not say how much is free keeps only those waiting who write to it.
func TestADiskThatHangsDelaysNoOtherDisk(t *testing.T) {
	device := func(name string) uint64 {
		info, err := os.Stat(name)
		if err != nil {
			t.Skip(err)
		}
		return fileid.OfInfo(info).Device
	}
	const hung, other = "/dev", "/proc"
	if device(hung) == device(other) {
		t.Skip("one file system")
	}
	tree, err := vfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	v := New(tree, Reserve{Bytes: 1})
	d := v.disks.of(v, hung)
	d.mu.Lock() // as while the system is asked
	waiting, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		close(waiting)
		v.disks.of(v, hung)
	}()
	<-waiting
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for range 1000 { // the other call comes in between
			v.disks.of(v, other)
		}
	}()
	select {
	case <-asked:
	case <-time.After(20 * time.Second):
		t.Error("it waits for the disk that hangs")
	}
	d.mu.Unlock()
	<-ended
	<-asked
}
