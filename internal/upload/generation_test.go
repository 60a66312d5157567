package upload_test

import (
	"errors"
	"testing"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

func TestAppendChangesTheGenerationWhenItEnds(t *testing.T) {
	eachTree(t, map[string]string{"f": "content"}, func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		for _, end := range []struct {
			name string
			do   func(u *upload.Upload, size int64) error
		}{
			{"Commit", func(u *upload.Upload, size int64) error { _, err := u.Commit(size, nil); return err }},
			{"Abort", func(u *upload.Upload, size int64) error { u.Abort(size, errors.New("cut")); return nil }},
		} {
			u, err := s.Append(target(tree))
			if err != nil {
				t.Fatal(err)
			}
			size := write(t, u, ", more")
			before := vfs.Generation()
			if err := end.do(u, size); err != nil {
				t.Fatal(err)
			}
			if vfs.Generation() == before {
				t.Errorf("%s does not change the generation", end.name)
			}
		}
	})
}
