package s3fs_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"sluice/httpd"
	"sluice/internal/nettest/s3store"
	"sluice/s3fs"
)

// A bucket is served as any other file system.
func ExampleOpen() {
	bucket := s3store.Serve() // in place of a real one
	defer bucket.Close()
	bucket.Put("releases/notes.txt", []byte("Version 1\n"))

	files, err := s3fs.Open(context.Background(), s3fs.Config{
		Endpoint: bucket.URL, Bucket: bucketName, Prefix: "releases", Region: "us-east-1",
		AccessKey: "key", SecretKey: "secret",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer files.Close()
	server := httptest.NewServer(httpd.FileServer(files))
	defer server.Close()

	resp, err := http.Get(server.URL + "/notes.txt")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s %s%v\n", resp.Status, body, err)
	// Output:
	// 200 OK Version 1
	// <nil>
}
