// Package dav parses and writes what WebDAV (RFC 4918) adds to HTTP: XML bodies, the fields If, Depth, Timeout,
// Lock-Token, Destination and Overwrite. Its functions know neither files nor the network.
//
// Bodies come from strangers. The caller limits their size; this package limits the depth of elements and the number of
// properties. Documents with a DTD are refused, so no entity is ever expanded.
//
// # Design
//
// golang.org/x/net/webdav v0.62.0 was read and is not used. Its documentation says that it is not hardened against
// malicious clients, and that crashes, excessive use of resources and a lack of isolation between clients are no
// vulnerabilities of it. PROPFIND opens each file once or twice. MOVE and COPY remove the target first, and PUT writes
// into the file itself. Its tokens of locks are consecutive numbers, and each client can use and remove those of others.
// It ignores "Not" and entity tags in the field If, has no lockdiscovery and no shared locks, and repeats the XML of a
// lock's owner without its namespaces. Depth: infinity walks the whole tree.
package dav
