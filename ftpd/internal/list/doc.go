// Package list formats the lines of LIST, NLST and MLSD, and finds what a
// pattern of names matches:
//
//	view := list.View{Now: time.Now(), Rights: account.ReadOnly, Facts: list.AllFacts}
//	items, err := list.Glob(ctx, tree, "*.iso")
//	for _, it := range items {
//		b = view.AppendFacts(b, it)
//	}
//
// It is pure: it does no I/O but by the [Tree] that [Glob] is given, and keeps
// no state. The session, which checks the rights and sends the lines, is the
// caller's. All of the package may be used by several goroutines at once.
package list
