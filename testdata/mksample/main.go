// Command mksample makes the small sample tree that "make run" serves.
//
//	go run ./testdata/mksample DIR
//
// The tree is the same each time, and DIR appears when it is complete.
package main

import (
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
)

var files = map[string]string{
	"README.txt": "A sample tree: text, a page, nested folders, names that need care,\n" +
		"an empty file, and 16 MiB of noise that no compression shrinks.\n",
	"page.html": "<!doctype html>\n<title>Sluice</title>\n" +
		"<p>A page, and <a href=\"docs/\">a folder</a>.\n",
	"docs/manual.txt":                  "A manual would be here.\n",
	"docs/2026/09/notes.txt":           "Three folders down.\n",
	"names/with some spaces.txt":       "The name of this file has spaces.\n",
	"names/Grüße, 東京 und Ελλάδα 🌊.txt": "The name of this file is not ASCII.\n",
	"names/100% #1 & more;+.txt":       "The name of this file must be escaped in a URL.\n",
	"empty.bin":                        "",
	"noise.bin":                        noise(16 << 20),
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("mksample: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: mksample DIR")
	}
	if err := makeTree(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// makeTree writes the tree next to dir and then renames it to dir.
func makeTree(dir string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	tree := filepath.Join(tmp, "tree") // unlike tmp, all users can read it
	for name, content := range files {
		path := filepath.Join(tree, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return os.Rename(tree, dir)
}

// noise returns n bytes that do not compress, the same in each call.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // cannot fail
	return string(b)
}
