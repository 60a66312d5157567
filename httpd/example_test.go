package httpd_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd"
)

// published returns a directory to serve.
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

// A server for a directory that reports how each file was sent, and shuts down
// gracefully.
func ExampleServer() {
	dir := published()
	defer os.RemoveAll(dir)
	root, err := httpd.Dir(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := &httpd.Server{
		Handler: httpd.FileServer(root),
		OnTransfer: func(t httpd.Transfer) {
			fmt.Println(t.Op, t.Target, t.Status, t.Sent, "bytes,", t.Outcome)
		},
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()

	resp, err := http.Get("http://" + ln.Addr().String() + "/hello.txt")
	if err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(os.Stdout, resp.Body)
	_ = resp.Body.Close()

	grace, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		log.Print("responses were cut: ", err)
	}
	fmt.Println(errors.Is(<-served, http.ErrServerClosed))
	// Unordered output:
	// GET /hello.txt 200 13 bytes, complete
	// Hello, world
	// true
}

// Any afero.Fs can be served, for example one in memory.
func ExampleFileServer() {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/docs/hello.txt", []byte("Hello from memory\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	srv := httptest.NewServer(httpd.FileServer(memory))
	defer srv.Close()

	resp, err := http.Get(srv.URL + "/docs/hello.txt")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(os.Stdout, resp.Body)
	// Output:
	// Hello from memory
}

// Any io/fs.FS can be served by afero.FromIOFS: an embed.FS, or the content of a zip
// file.
func ExampleFileServer_ioFS() {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	f, err := w.Create("hello.txt")
	if err != nil {
		log.Fatal(err)
	}
	_, _ = io.WriteString(f, "Hello from a zip\n")
	_ = w.Close()
	unpacked, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		log.Fatal(err)
	}
	srv := httptest.NewServer(httpd.FileServer(afero.FromIOFS{FS: unpacked}))
	defer srv.Close()

	resp, err := http.Get(srv.URL + "/hello.txt")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(os.Stdout, resp.Body)
	// Output:
	// Hello from a zip
}

// A Handler is an http.Handler: it works behind a mux, http.StripPrefix and
// middleware, in any http.Server.
func ExampleHandler() {
	dir := published()
	defer os.RemoveAll(dir)
	root, err := httpd.Dir(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()

	files := &httpd.Handler{FS: root, Archives: true, NoListing: true}
	defer files.Close()
	mux := http.NewServeMux()
	mux.Handle("/files/", http.StripPrefix("/files", files))
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

// A client requests the checksum of a file by its query, and gets it in the format
// of sha256sum -c.
func ExampleHandler_checksum() {
	dir := published()
	defer os.RemoveAll(dir)
	root, err := httpd.Dir(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()

	w := httptest.NewRecorder()
	httpd.FileServer(root).ServeHTTP(w, httptest.NewRequest("GET", "/hello.txt?sha256", nil))
	fmt.Print(w.Body)
	// Output:
	// 37980c33951de6b0e450c3701b219bfeee930544705f637cd1158b63827bb390  hello.txt
}

// Two handlers that share a Limiter.
func ExampleNewLimiter() {
	all := httpd.NewLimiter(10 << 20)
	docs := &httpd.Handler{FS: afero.NewMemMapFs(), Limiter: all}
	media := &httpd.Handler{FS: afero.NewMemMapFs(), Limiter: all, MaxRate: 1 << 20} // each response
	mux := http.NewServeMux()
	mux.Handle("/docs/", http.StripPrefix("/docs", docs))
	mux.Handle("/media/", http.StripPrefix("/media", media))
	fmt.Println(docs.Limiter == media.Limiter)
	// Output: true
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

// A directory to which one user may upload. The Handler itself asks for no password, so
// middleware does. Use TLS: Basic authentication sends the password with each request.
func ExampleHandler_write() {
	dir := published()
	defer os.RemoveAll(dir)
	root, err := httpd.Dir(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	files := &httpd.Handler{FS: root.Writable(), Write: httpd.Create | httpd.Change, User: "alice", MaxUpload: 1 << 30}
	defer files.Close()
	secret := sha256.Sum256([]byte("correct horse battery staple"))
	onlyAlice := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		sum := sha256.Sum256([]byte(password))
		if subtle.ConstantTimeCompare(sum[:], secret[:]) != 1 || user != "alice" {
			w.Header().Set("WWW-Authenticate", `Basic realm="files"`)
			http.Error(w, "log in as alice", http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	})
	srv := httptest.NewTLSServer(onlyAlice)
	defer srv.Close()

	for _, password := range []string{"guess", "correct horse battery staple"} {
		r, err := http.NewRequest(http.MethodPut, srv.URL+"/report.txt", strings.NewReader("All is well\n"))
		if err != nil {
			log.Fatal(err)
		}
		r.SetBasicAuth("alice", password)
		r.Header.Set("If-None-Match", "*") // replace nothing
		resp, err := srv.Client().Do(r)
		if err != nil {
			log.Fatal(err)
		}
		_ = resp.Body.Close()
		fmt.Println(resp.Status)
	}
	content, err := os.ReadFile(filepath.Join(dir, "report.txt"))
	fmt.Print(string(content))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 401 Unauthorized
	// 201 Created
	// All is well
}

// Two directories as one site: the releases are on another disk than the pages.
func ExampleJoin() {
	pages, releases := published(), published()
	defer os.RemoveAll(pages)
	defer os.RemoveAll(releases)
	main, err := httpd.Dir(pages)
	if err != nil {
		log.Fatal(err)
	}
	defer main.Close()
	other, err := httpd.Dir(releases)
	if err != nil {
		log.Fatal(err)
	}
	defer other.Close()
	site, err := httpd.Join(main, map[string]afero.Fs{"/releases": other})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(httpd.FileServer(site))
	defer server.Close()
	for _, name := range []string{"/hello.txt", "/releases/hello.txt"} {
		resp, err := http.Get(server.URL + name)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(name, ": ", string(body))
	}
	// Output:
	// /hello.txt: Hello, world
	// /releases/hello.txt: Hello, world
}
