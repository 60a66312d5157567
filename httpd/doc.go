// Package httpd serves a directory tree over HTTP.
//
//	tree, err := vfs.Open("/srv/pub")
//	...
//	ln, err := net.Listen("tcp", ":8080")
//	...
//	srv := &httpd.Server{Handler: httpd.Handler{Tree: tree}}
//	err = srv.Serve(ln) // until srv.Shutdown
//
// What a response says is decided by a plan: a function of what the request
// asks and of the file. It knows the conditions and the ranges of RFC 9110,
// one or several, compressed forms of a file that lie beside it, checksums,
// and directories as pages, as JSON and as archives. The body that it plans is
// a list of pieces: bytes, parts of files, and what is made when its turn
// comes. Ranges and archives are nothing but such lists, so that the bytes of
// files always leave by the same method.
//
// That is sendfile.Send, on the connection that [Server.Serve] accepted, past
// the buffers of net/http, and [Request] tells of it. Under another
// http.Server the [Handler] works as well, and copies.
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
// /.well-known (RFC 8615). That also keeps unfinished uploads out of sight.
// Files that cannot be read, lead out of the tree or are no files (FIFOs,
// devices) are 403.
//
// # Choices that RFC 9110 leaves open
//
// A set of ranges with one that is not valid, or of more than 64, is answered
// with the whole file; so is one for a representation in a content coding.
// Ranges that overlap or that less than 80 bytes lie between become one. HEAD
// has no ranges. Who accepts no representation that there is gets one all the
// same rather than 406.
//
// The entity tag of a file is strong. It changes with its size, with the time
// of its modification and, where the system tells them, with its inode and the
// time of its last change, which no program can set back. Two changes between
// two ticks of the file system's clock, milliseconds on Linux before 6.13, can
// share one; Handler.ContentETags has tags that cannot.
package httpd
