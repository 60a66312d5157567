// Package plan decides what to answer to a request for a file or directory:
// conditions and ranges (RFC 9110), content negotiation, media types, rules and
// CORS, redirects, archives, checksums, and the pages for errors.
//
//	p := plan.New(plan.Config{Files: cache, Tree: cache.Tree})
//	pl := p.Plan(&request, plan.Lookup{})
//	if pl.Streamed {
//		// the response will have no Content-Length
//	}
//	resp := pl.Respond(ctx)
//	defer resp.Release()
//	// write resp.Status and resp.Header, and then
//	err := resp.Body.WriteTo(ctx, sink)
//
// # Design
//
// The package knows nothing of connections, and imports neither net nor net/http:
// the fast path fills in a [Request] from the head that package h1 has parsed, and
// the net/http path from an *http.Request. So both answer alike, over every version
// of HTTP.
//
// A [Plan] is made in two steps. [Planner.Plan] only looks up the files, and says
// whether the response will be streamed or lengthy. [Plan.Respond] then does the
// work: it reads a directory, lays out an archive, computes a checksum. A caller
// that cannot send such a response hands the request over between the two, and
// nothing is made in vain.
//
// An event loop must not wait for a disk. [Planner.LookupCached] and [Planner.PlanCached]
// answer what needs nothing but cached files, and leave all other requests to a caller that
// may wait. So a plan looks up every file that its response may need.
//
// A [Body] is a list of pieces: bytes in memory, parts of files, and content that
// is made, or a file that is opened, when its turn comes. Ranges, multipart bodies
// and archives are such lists too, so that the bytes of files always take the same
// way: [Sink.SendFile].
//
// An archive is laid out before it is sent. Its entries are stored and not
// compressed, so zip and tar are arithmetic on names and sizes: the archive has a
// length, an entity tag and ranges, its files go by sendfile(2), and a broken
// download can be resumed. A file that changes meanwhile ends the response. A
// .tar.gz has none of these and is smaller. Unreadable files are found before, left
// out, and named in a file at the end of the archive: they would break every
// download at the same byte otherwise. On Linux faccessat2(2) finds them, in 1.3 µs
// a file where an open takes 3; in other trees each file is opened.
//
// Long work takes turns (package budget): a checksum (package digest), the walk through
// the tree of an archive, and each block that is compressed. The tags and lengths of
// archives are remembered for a second.
//
// Config.Precompressed is off by default because in a directory of downloads
// FILE.gz next to FILE need not have the same content.
package plan
