package servers

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// makeFiles makes the files of the workloads below dir. All users can read them,
// because servers may change their user.
func makeFiles(dir string, workloads []Workload) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	made := map[string]bool{}
	for _, w := range workloads {
		for _, f := range w.Files {
			if made[f.Name] {
				continue
			}
			made[f.Name] = true
			if err := f.write(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f File) write(dir string) error {
	name := filepath.Join(dir, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, f.content())
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	return err
}

// content returns the bytes of the file. They differ from those of other files,
// and do not compress.
func (f File) content() io.Reader {
	h := fnv.New128a()
	_, _ = io.WriteString(h, f.Name)
	var seed [32]byte
	copy(seed[:], h.Sum(nil))
	return io.LimitReader(rand.NewChaCha8(seed), f.Size)
}
