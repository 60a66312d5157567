// Package httpd serves a directory tree over HTTP.
//
//	tree, err := vfs.Open("/srv/pub")
//	...
//	ln, err := net.Listen("tcp", ":8080")
//	...
//	srv := &httpd.Server{Handler: httpd.Handler{Tree: tree}}
//	err = srv.Serve(ln) // until srv.Shutdown
//
// Files are answered to GET and HEAD with single ranges and with the
// conditions of RFC 9110, directories with a listing. What a response says is
// decided by a plan, a pure function of the request's header and the file;
// the handler carries it out.
//
// The body of a file leaves by sendfile.Send on the connection that
// [Server.Serve] accepted, past the buffers of net/http, and [Request] tells
// the road. Under another http.Server the [Handler] works as well, but what
// road the bytes take is then up to that server.
//
// Names that begin with a dot are neither listed nor served, except
// /.well-known (RFC 8615). That also keeps unfinished uploads out of sight.
package httpd
