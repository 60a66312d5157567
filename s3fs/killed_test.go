package s3fs_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"sluice/internal/nettest/s3store"
	"sluice/internal/upload"
	"sluice/s3fs"
)

// uploadsOfKilled is how long the files are that a child uploads, in turn.
var uploadsOfKilled = []int{10, 2*partSize + 1, 70 << 10, partSize + 1}

// TestUploadUntilKilled is what a child process does: it prints the name of each file that was acknowledged.
func TestUploadUntilKilled(t *testing.T) {
	endpoint := os.Getenv("SLUICE_TEST_UPLOAD_UNTIL_KILLED")
	if endpoint == "" {
		t.Skip("it is for a child process")
	}
	e := engine{&s3store.Engine{URL: endpoint}}
	files := e.open(t, func(c *s3fs.Config) { c.Writable, c.PartSize, c.Prefix = true, partSize, "killed" })
	var s upload.Store
	for i := 0; ; i++ {
		content := pattern(uploadsOfKilled[i%len(uploadsOfKilled)])
		name := fmt.Sprintf("/in/%d", i)
		if _, err := begin(t, &s, targetOf(files, name), content).Commit(int64(len(content)), nil); err != nil {
			t.Fatal(err)
		}
		fmt.Println("stored", i)
	}
}

func TestAKilledServerLosesNoFileAndShowsNoneOfVersitygw(t *testing.T) {
	testAKilledServer(t, engine{s3store.Versitygw(t)})
}

func TestAKilledServerLosesNoFileAndShowsNoneOfMinIO(t *testing.T) {
	testAKilledServer(t, engine{s3store.MinIO(t)})
}

func testAKilledServer(t *testing.T, e engine) {
	files := e.open(t, func(c *s3fs.Config) { c.Writable, c.PartSize, c.Prefix = true, partSize, "killed" })
	if err := files.Mkdir("in", 0o755); err != nil {
		t.Fatal(err)
	}
	for killAfter := range 6 {
		child := exec.Command(os.Args[0], "-test.run=^TestUploadUntilKilled$")
		child.Env = append(os.Environ(), "SLUICE_TEST_UPLOAD_UNTIL_KILLED="+e.URL)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		stored := 0
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "stored ") {
				if stored++; stored == killAfter+1 {
					_ = child.Process.Kill()
				}
			}
		}
		_ = child.Wait() // it was killed
		if stored <= killAfter {
			t.Fatalf("the child has ended after %d files", stored)
		}
		all := slices.DeleteFunc(names(t, files, "in"), func(name string) bool { return strings.HasPrefix(name, ".") })
		if len(all) < stored || len(all) > stored+1 { // one may have been stored, but not acknowledged any more
			t.Errorf("there are %q after %d files were stored", all, stored)
		}
		for _, name := range all {
			i := 0
			_, _ = fmt.Sscan(name, &i)
			wantFile(t, files, "in/"+name, pattern(uploadsOfKilled[i%len(uploadsOfKilled)]))
		}
		if err := files.RemoveAll("in"); err != nil {
			t.Fatal(err)
		}
		if err := files.MkdirAll("in", 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
