// Package s3fs shows the objects of a bucket as files: Amazon S3, MinIO, Ceph RGW, Garage, Cloudflare R2, versitygw, and
// other stores that speak the same protocol.
//
//	files, err := s3fs.Open(ctx, s3fs.Config{Endpoint: "https://s3.example.org", Bucket: "pub", Prefix: "releases/"})
//	if err != nil {
//		return err // says what was wrong: the address, the credentials, the bucket
//	}
//	defer files.Close()
//	http.Handle("/", httpd.FileServer(files))
//
// An [FS] is an [afero.Fs] that only reads; every change is refused with [syscall.EROFS].
//
// # Names
//
// The key of a file is the prefix and its path without the first slash. A directory is the beginning of a key, up to a
// slash: it exists if an object has a key that begins with it. An object whose key ends in a slash marks an empty
// directory, and is no file. Keys that are no paths ("a//b", "./a", "a/../b") cannot be named, and are left out of
// listings. If both "a" and "a/b" are keys, "a" is a file, and "a/b" can be named but is in no listing.
//
// # Consistency
//
// An open file is one version of an object: each request for a part of it has the entity tag of the first (If-Match), and
// fails with [ErrChanged] if the object was replaced meanwhile. Nothing is cached, so another client's change is seen by
// the next call.
//
// # Requests
//
// Stat of a file takes one request (HEAD), of a directory two. Read asks for a part that is four times as long as the one
// before, up to 64 MiB, so that little is read in vain where a client wants the beginning of a file, and few requests are
// made where it wants all of it. A Seek that moves a little forwards reads on. Requests that fail for a moment (503
// SlowDown, connections that are reset) are repeated; a body that breaks off is continued where it ended.
//
// A request without any progress for Config.Timeout fails. At most Config.MaxConns connections are open at a time; further
// requests wait for one.
//
// # Design
//
// github.com/minio/minio-go speaks the protocol: signatures, retries, the quirks of stores. Its Object type is not used: it
// has a goroutine for each open file, and reads to the end of the object after each Seek.
package s3fs
