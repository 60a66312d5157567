package deadprop_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"sluice/httpd/internal/dav"
	"sluice/httpd/internal/deadprop"
)

// file returns an open file on a file system with extended attributes.
func file(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := unix.Fsetxattr(int(f.Fd()), "user.other", []byte("x"), 0); errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this file system has no extended attributes of users")
	}
	return f
}

func set(local, value string) dav.Patch {
	return dav.Patch{Property: dav.Property{Name: dav.Name{Space: "x:", Local: local}, Lang: "en", Value: value}}
}

func read(t *testing.T, f *os.File) map[string]string {
	t.Helper()
	all, err := deadprop.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	for _, p := range all {
		values[p.Local] = p.Value
	}
	return values
}

func TestPropertiesAreStoredAllOrNone(t *testing.T) {
	f := file(t)
	if _, err := deadprop.Apply(f, []dav.Patch{set("a", "1"), set("b", `<c xmlns="y:"></c>`)}); err != nil {
		t.Fatal(err)
	}
	before := map[string]string{"a": "1", "b": `<c xmlns="y:"></c>`}
	if diff := cmp.Diff(before, read(t, f)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	remove := dav.Patch{Remove: true, Property: dav.Property{Name: dav.Name{Space: "x:", Local: "b"}}}
	_, err := deadprop.Apply(f, []dav.Patch{set("a", "2"), remove, set("d", "3"), set("e", strings.Repeat("x", 1<<20))})
	if !errors.Is(err, deadprop.ErrFull) {
		t.Errorf("a very long value: %v, want ErrFull", err)
	}
	if diff := cmp.Diff(before, read(t, f)); diff != "" {
		t.Errorf("after a failure (-want +got):\n%s", diff)
	}
	undo, err := deadprop.Apply(f, []dav.Patch{set("a", "2"), remove, set("d", "3")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "2", "d": "3"}, read(t, f)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	undo()
	if diff := cmp.Diff(before, read(t, f)); diff != "" {
		t.Errorf("after undo (-want +got):\n%s", diff)
	}
}

func TestAFileHasABoundedNumberOfProperties(t *testing.T) {
	f := file(t)
	var steps []dav.Patch
	for i := range 101 {
		steps = append(steps, set(fmt.Sprintf("p%d", i), ""))
	}
	if _, err := deadprop.Apply(f, steps); !errors.Is(err, deadprop.ErrFull) || len(read(t, f)) != 0 {
		t.Errorf("%v, and %d are stored", err, len(read(t, f)))
	}
}

func TestAttributesThatNoClientHasStoredAreIgnored(t *testing.T) {
	f := file(t)
	if _, err := deadprop.Apply(f, []dav.Patch{set("a", "1")}); err != nil {
		t.Fatal(err)
	}
	names := make([]byte, 4096)
	n, err := unix.Flistxattr(int(f.Fd()), names)
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00") {
		if !strings.HasPrefix(name, "user.sluice.dav.") {
			continue
		}
		for _, forged := range []string{"", "{", `{"space":"x:","local":"a","value":"</D:prop>"}`, `{"space":"x:","local":"other","value":""}`, `{"space":"x:","local":"a b","value":""}`} {
			if err := unix.Fsetxattr(int(f.Fd()), name, []byte(forged), 0); err != nil {
				t.Fatal(err)
			}
			if got := read(t, f); len(got) != 0 {
				t.Errorf("%q is read as %v", forged, got)
			}
		}
	}
}
