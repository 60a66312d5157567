// Package list formats the lines of LIST, NLST and MLSD, and finds what a
// pattern of names matches:
//
//	view := list.View{Now: time.Now(), Rights: account.ReadOnly, Facts: list.AllFacts}
//	items, err := list.Glob(ctx, tree, "*.iso")
//	for _, it := range items {
//		b = view.AppendFacts(b, it)
//	}
//
// # Links and special files
//
// A client that removes or copies a tree goes by what a listing says, and what it
// takes for a directory it enters. So no listing shows a link to a directory as a
// directory, and all of them show all that is there, or nobody could empty its
// directory:
//
//	                      LIST and STAT          type of MLSD and MLST   perm
//	a link to a directory l, its own mode, ->    OS.unix=slink:TARGET    d e f l
//	a link to a file      l, its own mode, ->    file: the facts of it   as the file
//	any other link        l, its own mode, ->    OS.unix=slink:TARGET    d f
//	a FIFO, a socket      p, s                   OS.unix=fifo, =socket   d f
//	a device              b, c                   OS.unix=blk, =chr       d f
//
// What a link holds is shown unless it leads out of the tree, which the file system
// decides, or holds control characters; as a fact neither if it holds a space or a
// semicolon. Commands that open a file or enter a directory follow links. DELE, RMD,
// RNFR and RNTO mean the link itself.
//
// It is pure: it does no I/O but by the [Tree] that [Glob] is given, and keeps
// no state. The session, which checks the rights and sends the lines, is the
// caller's. All of the package may be used by several goroutines at once.
package list
