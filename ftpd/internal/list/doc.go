// Package list formats the lines of LIST, NLST and MLSD, and expands patterns of
// names:
//
//	view := list.View{Now: time.Now(), Rights: account.ReadOnly, Facts: list.AllFacts}
//	for _, it := range items {
//		b = view.AppendFacts(b, it)
//	}
//	search, err := list.Expand(ctx, tree, "*/*.iso")
//
// # Links and special files
//
// A client that removes or copies a tree follows its listings, and enters all
// directories. So no listing shows a link to a directory as a directory. And every listing
// shows all entries, because otherwise a client could not empty the directory:
//
//	                      LIST and STAT          type of MLSD and MLST   perm
//	a link to a directory l, its own mode, ->    OS.unix=slink:TARGET    d e f l
//	a link to a file      l, its own mode, ->    file: the facts of it   as the file
//	any other link        l, its own mode, ->    OS.unix=slink:TARGET    d f
//	a FIFO, a socket      p, s                   OS.unix=fifo, =socket   d f
//	a device              b, c                   OS.unix=blk, =chr       d f
//
// The target of a link is shown unless it leads out of the tree, which the file system
// decides, or contains control characters. A fact does not show a target with a space or a
// semicolon either. Commands that open a file or enter a directory follow links. DELE,
// RMD, RNFR and RNTO act on the link itself.
//
// The package keeps no state, and does no I/O except through the [Tree] passed to [Expand].
// The caller checks the rights and sends the lines. All functions may be called by several
// goroutines at once.
package list
