package httpd_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"sluice/httpd"
	"sluice/internal/vfs"
)

// published is a directory to show.
func published() (dir string) {
	dir, err := os.MkdirTemp("", "published")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("Hello, world\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	return dir
}

// A Handler is an http.Handler, which other handlers can stand before.
func ExampleHandler() {
	dir := published()
	defer os.RemoveAll(dir)
	tree, err := vfs.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer tree.Close()

	mux := http.NewServeMux()
	mux.Handle("/files/", http.StripPrefix("/files", httpd.FileServer(tree)))
	srv := httptest.NewServer(mux)
	defer srv.Close()

	req, _ := http.NewRequest("GET", srv.URL+"/files/hello.txt", nil)
	req.Header.Set("Range", "bytes=7-11")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, resp.Header.Get("Content-Range"))
	fmt.Printf("%s\n", body)
	// Output:
	// 206 Partial Content bytes 7-11/13
	// world
}

// The checksum of a file is a question away, in the form that sha256sum -c
// takes.
func ExampleHandler_checksum() {
	dir := published()
	defer os.RemoveAll(dir)
	tree, err := vfs.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer tree.Close()

	w := httptest.NewRecorder()
	h := httpd.FileServer(tree)
	h.ServeHTTP(w, httptest.NewRequest("GET", "/hello.txt?sha256", nil))
	fmt.Print(w.Body)
	// Output:
	// 37980c33951de6b0e450c3701b219bfeee930544705f637cd1158b63827bb390  hello.txt
}

func ExampleParseRule() {
	rule, err := httpd.ParseRule("/assets/** Cache-Control: max-age=31536000, immutable")
	fmt.Printf("%+v %v\n", rule, err)
	_, err = httpd.ParseRule("*.js Content-Length: 0")
	fmt.Println(err)
	// Output:
	// {Pattern:/assets/** Name:Cache-Control Value:max-age=31536000, immutable} <nil>
	// the field Content-Length is the server's
}
