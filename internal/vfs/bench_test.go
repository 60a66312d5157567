package vfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

func BenchmarkOpen(b *testing.B) {
	dir := nettest.TempDir(b)
	plant(b, dir, map[string]string{"pub/docs/readme.txt": "inside"})
	methods := map[string]func(b *testing.B){
		"os.Root": func(b *testing.B) { benchmarkOpen(b, osRootTree(b, dir), "/pub/docs/readme.txt") },
		"os.Open": func(b *testing.B) { // without checks: the cost of the kernel and package os
			name := filepath.Join(dir, "pub", "docs", "readme.txt")
			b.ReportAllocs()
			for b.Loop() {
				f, err := os.Open(name)
				if err != nil {
					b.Fatal(err)
				}
				_ = f.Close()
			}
		},
	}
	if runtime.GOOS == "linux" {
		methods["openat2"] = func(b *testing.B) { benchmarkOpen(b, openat2Tree(b, dir), "/pub/docs/readme.txt") }
	}
	for _, method := range []string{"openat2", "os.Root", "os.Open"} {
		if run := methods[method]; run != nil {
			b.Run(method, run)
		}
	}
}

func benchmarkOpen(b *testing.B, tree *vfs.Root, name string) {
	b.ReportAllocs()
	for b.Loop() {
		f, err := tree.File(name, os.O_RDONLY, 0)
		if err != nil {
			b.Fatal(err)
		}
		_ = f.Close()
	}
}

func BenchmarkStat(b *testing.B) {
	dir := nettest.TempDir(b)
	plant(b, dir, map[string]string{"pub/docs/readme.txt": "inside"})
	tree := openTree(b, dir)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tree.Stat("/pub/docs/readme.txt"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadDir(b *testing.B) {
	for _, n := range []int{10, 2000, 50_000} {
		dir := nettest.TempDir(b)
		for i := range n {
			plant(b, dir, map[string]string{fmt.Sprintf("pub/docs/%d", i): ""})
		}
		run := func(b *testing.B, tree *vfs.Root, list func(*vfs.Root, string) ([]fs.FileInfo, error)) {
			b.ReportAllocs()
			for b.Loop() {
				if infos, err := list(tree, "/pub/docs"); err != nil || len(infos) != n {
					b.Fatalf("got %d entries, %v, want %d", len(infos), err, n)
				}
			}
		}
		if runtime.GOOS == "linux" {
			b.Run(fmt.Sprintf("openat2/%d entries", n), func(b *testing.B) { run(b, openat2Tree(b, dir), (*vfs.Root).ReadDir) })
			b.Run(fmt.Sprintf("openat2, Entries/%d entries", n), func(b *testing.B) { run(b, openat2Tree(b, dir), (*vfs.Root).Entries) })
		}
		b.Run(fmt.Sprintf("os.Root/%d entries", n), func(b *testing.B) { run(b, osRootTree(b, dir), (*vfs.Root).ReadDir) })
	}
}

// BenchmarkMoveUp moves a directory of 10,000 files nearer to the root, which searches it for links.
func BenchmarkMoveUp(b *testing.B) {
	dir := b.TempDir()
	for i := range 10_000 {
		name := filepath.Join(dir, "a", "d", fmt.Sprint(i%10), fmt.Sprint(i))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	tree := openTree(b, dir).Writable()
	for b.Loop() {
		if err := errors.Join(tree.Rename("a/d", "d"), tree.Rename("d", "a/d")); err != nil {
			b.Fatal(err)
		}
	}
}
