package upload

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Name returns the name of the file. After Commit it is another one than that of the
// Target if Existing is Evade and that name was taken.
func (u *Upload) Name() string { return u.target.Name }

const (
	// maxNumbered is how many numbered names are tried for one file. After that a random
	// name is taken: otherwise each of many uploads with one name would look at all others.
	maxNumbered = 100

	// maxEvaded is the length to which a name is cut before something is added to it, so
	// that it is no longer than a file system allows. A client must not see the
	// difference.
	maxEvaded = 200
)

// publishFree gives the file its name, or a free one that is like it.
func (c closed) publishFree(u *Upload) error {
	t := &u.target
	wanted := t.Name
	for i := 1; ; i++ {
		name := freeName(wanted, i)
		err := u.store.giveName(t.Writer, name, func() error {
			return u.hold.Replace(name, func() error { return commit(t.Writer, c.h.name, name) })
		})
		switch {
		case err == nil:
			t.Name = name
			c.h.release()
			return nil
		case !errors.Is(err, fs.ErrExist) || i > 2*maxNumbered:
			return err
		}
	}
}

// freeName returns the i-th name to try: the name itself, then "name (2).ext" and so on.
func freeName(name string, i int) string {
	if i == 1 {
		return name
	}
	dir, base := path.Split(name)
	ext := path.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	if stem == "" || len(ext) > 20 { // it is a name that begins with a dot, or no extension
		stem, ext = base, ""
	}
	mark := fmt.Sprint(i)
	if i > maxNumbered {
		mark = strings.ToLower(rand.Text())
	}
	return dir + shorten(stem, maxEvaded) + " (" + mark + ")" + ext
}
