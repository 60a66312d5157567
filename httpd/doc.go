// Package httpd serves files over HTTP and HTTPS: a directory, or any afero.Fs.
//
//	package main
//
//	import (
//		"log"
//		"net"
//
//		"sluice/httpd"
//	)
//
//	func main() {
//		root, err := httpd.Dir(".")
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer root.Close()
//		ln, err := net.Listen("tcp", "127.0.0.1:8080")
//		if err != nil {
//			log.Fatal(err)
//		}
//		srv := &httpd.Server{Handler: httpd.FileServer(root)}
//		log.Fatal(srv.Serve(ln)) // until srv.Shutdown or srv.Close
//	}
//
// A [Handler] is an http.Handler, so it works in any other http.Server as well:
//
//	http.Handle("/files/", http.StripPrefix("/files", httpd.FileServer(root)))
//
// # File systems
//
// [Dir] opens a directory that no name and no symbolic link leads out of. Any
// other afero.Fs will do: afero.NewMemMapFs(), afero.FromIOFS{FS: embedded} for an
// io/fs.FS, an afero.CopyOnWriteFs. Where links lead is up to it; an
// afero.BasePathFs over the operating system follows links out of its directory.
//
// Where the bytes of a file are those of an *os.File, also one that these wrappers
// hide, they are sent by sendfile(2), and the file stays open for a moment for the
// next request. Other files are copied, each response by a handle of its own,
// because most of them keep no promise of io.ReaderAt. (The files of afero's zipfs
// hold all that they have unpacked in memory; afero.FromIOFS over a *zip.Reader
// does not.) Files without a time of modification, such as embedded ones, have no
// entity tag; Handler.ContentETags gives them one.
//
// # How files are sent
//
// What a response says is decided by a plan: a function of what the request
// asks and of the file. It knows the conditions and the ranges of RFC 9110,
// one or several, compressed forms of a file that lie next to it, checksums,
// and directories as pages, as JSON and as archives. The body that it plans is
// a list of pieces: bytes, parts of files, and what is made when its turn
// comes. Ranges and archives are such lists too, so that the bytes of files
// always go the same way: by sendfile.Send, past the buffers of net/http, on the
// connection that a [Server] or a plain http.Server accepted in clear. By TLS and
// by HTTP/2 files are copied, as they are where middleware hands on a
// ResponseWriter of its own without ReadFrom and Flush (an Unwrap is not enough),
// and so are files of up to 32 KiB, which are kept in memory for a moment.
// [Transfer] tells by which method the bytes went.
//
// # What can be asked for
//
// Of a file, by its query: ?download makes a browser save it; ?sha256, ?sha512,
// ?sha1, ?md5 and ?crc32 answer with the line that "sha256sum -c" and its kin
// check. By the field Want-Repr-Digest: a Repr-Digest (RFC 9530) with any
// response that has a body of the file.
//
// Of a directory: the index file, or else a listing, sorted by ?sort=name, size
// or time and ?order=desc, of the names with ?search=TEXT in them, from
// ?offset=N on and not more than ?limit=N; as JSON if the field Accept prefers
// application/json. And ?zip and ?tar, if [Handler] has Archives: they are laid
// out before they are sent, so that they have a length, a tag and ranges, and
// a download that broke off can be resumed. ?tar.gz has none of that and is
// smaller.
//
// # What is not served
//
// Names that begin with a dot are neither listed nor served, except
// /.well-known (RFC 8615), unless [Handler] has ShowHidden. That also keeps
// unfinished uploads out of sight. Files that cannot be read, lead out of a
// [Root] or are no files (FIFOs, devices) are 403. A file system that does not
// answer for half a minute is 503.
//
// # Choices that RFC 9110 leaves open
//
// A set of ranges with one that is not valid, or of more than 64, is answered
// with the whole file; so is one for a representation in a content coding.
// Ranges that overlap or that less than 80 bytes lie between become one. HEAD
// has no ranges. If nothing that a client accepts is there, the default
// representation is sent, not 406.
//
// The entity tag of a file is strong. It changes with its size, with the time
// of its modification and, where the system tells them, with its inode and the
// time of its last change, which no program can set back. Two changes between
// two ticks of the file system's clock, milliseconds on Linux before 6.13, can
// share one; Handler.ContentETags has tags that cannot.
//
// # What is left alone
//
// The package installs no signal handlers and changes neither umask nor limits of
// the process. Nothing listens but what is given to Serve.
package httpd
