// Package httpd serves files over HTTP and HTTPS: a directory, or any afero.Fs.
//
//	package main
//
//	import (
//		"log"
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
//		srv := &httpd.Server{Handler: httpd.FileServer(root)}
//		log.Fatal(srv.ListenAndServe("127.0.0.1:8080")) // until srv.Shutdown or srv.Close
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
// io/fs.FS, an afero.CopyOnWriteFs. Where its links lead is up to it; an
// afero.BasePathFs over the operating system follows links out of its directory.
//
// A file that is an *os.File, possibly inside one of these wrappers, is sent by
// sendfile(2), and stays open for a moment for the next request. Other files are
// copied, with a handle for each response, because most of them do not keep the
// contract of io.ReaderAt. (The files of afero's zipfs hold all that they have
// unpacked in memory; afero.FromIOFS over a *zip.Reader does not.) Files without a
// time of modification, such as embedded ones, have no entity tag;
// Handler.ContentETags gives them one.
//
// # How files are sent
//
// The bytes of files are sent by sendfile.Send, past the buffers of net/http, on the
// connections that a [Server] or a plain http.Server accepted without TLS. That holds
// for ranges, for several ranges, and for the files in archives as well. Over TLS and
// HTTP/2 files are copied. They are also copied where middleware passes on a
// ResponseWriter of its own without ReadFrom and Flush (an Unwrap is not enough), and
// if they have up to 32 KiB: these are kept in memory for a moment. [Transfer] has the
// method by which the bytes were sent.
//
// # Event loops
//
// On Linux, event loops serve the connections of a [Listener] without TLS: one for each
// processor, which needs less time for a request than a goroutine for each connection, and
// keeps waits under load short. [Listen] and Server.ListenAndServe make a Listener;
// [NewListener] makes one of a *net.TCPListener or *net.UnixListener, such as a socket from
// systemd. Server.Serve uses Accept for any other net.Listener, with a goroutine for each
// connection, as it does for a Listener on other systems, and with Server.NoLoop.
//
// A loop answers GET and HEAD for files that are cached: from memory, or by sendfile(2) in
// turns of 256 KiB, if the system says that these are in the page cache. It leaves waits
// to goroutines: opening a file, a file that is cold or in a file system of another machine,
// a limit of bandwidth. All requests that the fast path leaves to net/http take their
// connection with them. [Server.LoopStats] counts what the loops do.
//
// A program that also does other work should raise GOMAXPROCS by Listener.Loops once it has
// made the Listener:
//
//	ln, err := httpd.Listen(ctx, "tcp", ":8080")
//	...
//	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + ln.Loops())
//
// Without that there are as many loops as the runtime lets goroutines run at once. A busy
// loop lets others run only each millisecond or two, and the runtime looks at their
// connections less often still. With the higher number the scheduler of the system divides the
// processors among all threads. "sluice serve" does the same.
//
// # Requests
//
// The query of a file: ?download makes a browser save it; ?sha256, ?sha512, ?sha1,
// ?md5 and ?crc32 answer with the line that programs such as "sha256sum -c" check. With
// the field Want-Repr-Digest a response that has a body of the file has a Repr-Digest
// (RFC 9530).
//
// A directory is answered with its index file, or else a listing, sorted by
// ?sort=name, size or time and ?order=desc, of the names that contain ?search=TEXT,
// from ?offset=N on and of not more than ?limit=N. It is JSON if the field Accept
// prefers application/json, a page for people if it names text/html, and otherwise a
// plain page of links, sizes and times, which wget, rclone and others read. If [Handler] has Archives, ?zip and ?tar answer with an archive.
// It has a length, a tag and ranges, so that a broken download can be resumed.
// ?tar.gz has none of these and is smaller.
//
// # Logins
//
// With [Server].Login, users see files of their own by Basic authentication, and guests
// those of Server.Handler:
//
//	srv.Login = func(ctx context.Context, c httpd.Client, user, password string) (*httpd.Account, error) {
//		if !check(ctx, user, password) {
//			return nil, httpd.ErrLogin
//		}
//		return &httpd.Account{FS: root, Home: "/" + user, Rights: httpd.List | httpd.Read}, nil
//	}
//
// A wrong password is answered a second after the request. One address can try eight a
// second, and none for ten minutes after 20 that were wrong. Each view of a file system
// has a cache of its own; 64 are kept. Every response varies by Authorization and
// Cookie, and those to users are private.
//
// # Login page
//
// With [Server].Sessions and Server.AccountOf, browsers log in by a page:
//
//	srv.Sessions = &httpd.Sessions{File: "/var/lib/files/sessions"} // or new(httpd.Sessions), in memory
//	srv.AccountOf = func(ctx context.Context, c httpd.Client, user string) (*httpd.Account, error) {
//		return present(user) // the account of now with its PasswordID; ErrLogin if there is none
//	}
//
// A navigation of a browser that needs a login, or is for DIR/?login, gets the page with
// the status 401 and no WWW-Authenticate; all other clients get that. The form is sent by
// POST to the same path with ?login and has the fields username and password; the response
// (303) sets the cookie and leads back to the path. POST to ?logout ends the session. The
// listings have buttons for both. A request with the field Authorization is that of the
// user in it, whatever its cookie is. The cookie counts where a password would: by TLS, from
// this host, or with InsecureLogin.
//
// Set Account.PasswordID, and change it with the password; otherwise sessions go on.
//
// # Files that are not served
//
// Names that begin with a dot are neither listed nor served, except
// /.well-known (RFC 8615), unless [Handler] has ShowHidden. That also hides
// unfinished uploads. Files that cannot be read, lead out of a [Root] or are special
// (FIFOs, devices) are 403. A file system that does not answer for half a minute
// is 503.
//
// # Changing files
//
// A [Handler] with rights in Write also answers PUT, DELETE, POST and PATCH. It asks for no password:
// the program decides who reaches it, for example by middleware, as ExampleHandler_write
// does with Basic authentication, or by a Handler for each user.
//
//	root, err := httpd.Dir("/srv/inbox")
//	...
//	h := &httpd.Handler{FS: root.Writable(), Write: httpd.Create | httpd.Change, User: "alice"}
//	http.Handle("/inbox/", onlyAlice(http.StripPrefix("/inbox", h)))
//
// PUT makes a file (201) or replaces one (204). Nobody sees the file before it is whole
// and, as far as Durability says, on the disk; if anything fails, the old file stays.
// The response has the entity tag that GET shows from now on, though as a weak one at
// first, and conditions are about that tag: the one of the file itself, not of a compressed form. The directory must exist:
// else, and for the name of a directory, the answer is 409. If-Match, If-None-Match and
// If-Unmodified-Since are checked before the body is read, and again when the file gets
// its name, so that of several writers with "If-None-Match: *" one alone has 201. A
// client that sends "Expect: 100-continue" is asked for the body only if rights, name,
// conditions, size and room on the disk allow it. Content-Digest and Repr-Digest with
// sha-256 or sha-512 are checked (400). X-OC-Mtime sets the time of the file, unless
// Precompressed is set. Content-Range (400) and Content-Encoding (415) are refused. A
// body over MaxUpload is 413, a full disk or an exceeded Quota 507, a stalled body 408,
// and a body that ends early 400. The bytes that had come are kept for User, if there
// are 64 KiB of them.
//
// DELETE removes a file or an empty directory (204); one that is not empty is 409. PUT
// and DELETE mean a symbolic link itself, not what it leads to. Names that are not served
// can be neither made nor removed.
//
// A missing right is 403, or 405 if the rights allow the method for no file. Refusals say
// the reason in words, and as JSON with the members status, title and detail if the field
// Accept prefers application/json. A 500 whose reason begins with "The change was made"
// means that the file is there, and that its directory could not be synced.
//
// Requests with any method but GET, HEAD and OPTIONS that a browser sends for pages of other
// origins are refused by the rules of [http.CrossOriginProtection] (403), with a
// login or without. One exception: a page of an origin that CORS names may do what guests may, by requests
// without Authorization and Cookie; "*" and "null" name none.
//
// POST of a form (multipart/form-data) to a directory stores its files, each as by PUT. POST
// by tus 1.0 or by draft-ietf-httpbis-resumable-upload-05 begins an upload, to which HEAD,
// PATCH and DELETE of DIR/?upload=ID belong. It is continued by the same User, and with ""
// by everybody who knows the ID. KeepUploads and [Sweep] say how long it is kept. The
// file docs/http.md has the statuses of all of these.
//
// # WebDAV
//
// With Handler.WebDAV, clients can mount the files (RFC 4918, classes 1 and 2). PROPFIND lists
// unless NoListing is set, with Depth 0 or 1; MKCOL needs the right Create, COPY also
// Change for what it replaces, MOVE Rename, PROPPATCH Change, and LOCK Create or Change. COPY and MOVE remove last
// the files that they replace. DELETE removes a directory with all that
// is in it, if the client may list that. The rights of Paths hold, for a directory as a whole those of every path
// in it; what may be neither listed nor read is absent (404), and a drop box refuses all of these methods alike.
// Where Quota leaves no room the answer is 507. Locks hold against every change of the file in this process, also by an FTP server,
// and only the User that has locked it can use the token; all Handlers without a User count as one.
// Destination must have the host of the request, or the X-Forwarded-Host of a proxy in Server.ProxyFrom.
//
// # Bodies
//
// On the connections of a [Server] without TLS, bodies with a length of 2 MiB or more go
// from the socket to the file by splice(2), if the file is an *os.File, no checksum has to
// be computed, and no middleware has replaced Request.Body. All other bodies are copied.
// Transfer.Method says which; its Sent is then the number of bytes received, and its
// Upload is true. MaxRate and UploadLimiter hold for uploads, MinRate does not. A client
// may send nothing for StallTimeout.
//
// # Rights by path
//
// Handler.Paths, and Account.Paths of users who log in, give other rights at some paths:
//
//	h.Paths, err = httpd.NewPaths(
//		httpd.PathRights{Path: "/incoming", Rights: httpd.Create},
//		httpd.PathRights{Path: "/secret"},
//	)
//
// A name that may be neither listed nor read there is 404, and in no listing, archive, page or
// error. A file that may be listed and not read is 403. Where there is Create, and none of
// List, Read and Change, the path is a drop box: its listing is empty, PUT is answered
// 201, and a file whose name is taken gets a free one, so that nobody learns which names
// exist. Files go only into the directory of the path itself.
//
// # Redirects
//
// With Handler.RedirectFor, the bytes of a file in an object store need not pass through this process: GET and HEAD are
// answered 307 with a URL of the store that is signed for this file, this method and that time. It is made after the rights
// were checked, for each request anew, and no cache may keep it (Cache-Control: private, no-store).
//
// WARNING: everybody who knows such a URL can read the file until it expires, also after the user has
// lost the right or the password was changed. It stands in the history of a browser, in the log of the store, and in the
// logs of proxies that the client trusts with TLS. So keep RedirectFor short: a download that has begun goes on after it.
//
// The client repeats Range and conditions at the store, with its own validators; If-None-Match and the like are answered
// 304 and 412 here. MaxRate and all other limits do not hold for what the store sends, Transfer.Sent does not count it, and
// Transfer.Reason is "redirected to the store". The store is made to send our Content-Type and Content-Disposition, and
// Cache-Control, Content-Language and Expires of Rules; it sends no other field of ours, also not X-Content-Type-Options.
//
// These are sent from here all the same: listings, archives, checksums, index files, compressed forms, the pages of
// NotFoundPage and Fallback, files below RedirectFrom, types whose content may have relative links (HTML, CSS, XML, JSON,
// scripts, playlists), which a client would resolve against the store, and responses to pages of other origins (Origin),
// for which CORS holds here alone. Scripts of pages of this origin that fetch other files need a CORS rule of the bucket.
//
// # Choices that RFC 9110 leaves open
//
// A set of ranges with an invalid one, of more than 255, or of more than 64 of which some
// overlap, is answered with the whole file, and so is a set for a representation in a content coding. Ranges that overlap
// or are less than 80 bytes apart are joined. HEAD has no ranges. If nothing is
// acceptable, the default representation is sent, not 406.
//
// The entity tag of a file changes with its size and the time of its modification, so
// that servers with copies of a file have the same tag. It is strong two seconds after
// the change, and on disks of this host whose times have fractions of a millisecond
// (Linux) 0.1 s after it; before that the file could change again between two ticks of
// the file system's clock. Files of second 0 or 1 of Unix time have no date, and a weak tag of
// their inode and the time of their last change, if the system provides these. A file
// that takes the name of one of the same size and time has its tag; Handler.ContentETags
// has tags that differ. The files of accounts have tags of their own.
//
// If-Modified-Since holds for exactly the date of the file, so that one that was put back
// from a backup is sent. A date in the future is replaced by that of the response.
//
// Words in queries count without a value only.
//
// # Side effects
//
// The package installs no signal handlers and changes neither umask nor limits of
// the process. It listens only on the listeners that are given to Serve.
//
// # Design
//
// Two paths answer requests, by the same plan. The fast path (httpd/internal/h1conn)
// understands only simple requests that are valid to the letter; all others are parsed
// by net/http, which the world has tested. FuzzParse of internal/h1 checks that every
// request on the fast path means the same to http.ReadRequest.
// TestBothPathsAnswerTheSame compares the responses, and TestAnswersAgreeWithNetHTTP
// compares 2,000 pairs of conditions and ranges with http.FileServer, and names the
// few intended differences. Each path is a plan.Sink, to which a plan.Body writes
// itself.
//
// In another http.Server, net/http hands the body to the ReadFrom of a *net.TCPConn.
// That knows an *os.File at its own position, which responses share here, and for
// other readers it calls their WriteTo, with a writer that has all methods of the
// connection but ReadFrom. So a netconn.FilePart has a WriteTo that calls
// sendfile.Send, at an explicit offset. TestTheMethodBehindMiddleware checks that for
// each wrapper that may stand in the way; with a Go that works differently files would
// be copied, and that test would fail. The header is flushed first, because net/http
// would read the first 512 bytes of a body itself otherwise. The deadline for a stalled
// client is set by this package, unless the http.Server has a WriteTimeout. A deadline
// that middleware has set cannot be read: it is replaced.
//
// The body of a PUT can be spliced although net/http reads it, and without a hijack that
// would lose the rest of the connection: net/http calls the Read of the connection with
// the memory that Body.Read was given, once its own buffer is empty.
// netconn.HTTPConn.ReceiveBody gives it memory by which the connection recognizes the
// call, moves the bytes into the file, and returns their number. With a Go that works
// differently uploads would be copied or fail, and never have other bytes;
// TestLargeUploadsAreSplicedFromThisServer would fail.
//
// A body that fails ends the connection, or the stream of HTTP/2, before the panic with
// http.ErrAbortHandler: with middleware that recovers from every panic net/http would
// complete the response.
//
// Eight descriptors are kept in reserve. When the process has no others, a new
// connection gets one of them, a 503, and a second to read it.
package httpd
