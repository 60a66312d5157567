// Package listing shows the entries of a directory: as a page for people, as a plain
// page for programs that follow links, and as JSON.
//
//	l := listing.New("/music/", "sort=size&order=desc", entries, []string{"zip"})
//	err := l.WriteHTML(w)
//
// A directory of any size can be a [Listing]: one that is added in parts needs little memory
// if the query wants only a part, and one that is too large to be sorted is a stream.
//
// The names of files are chosen by strangers: they are escaped in the page, and the
// links are relative, so that no name leads to another host or becomes a part of
// the page.
package listing
