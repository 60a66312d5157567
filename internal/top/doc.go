// Package top shows what a running server does, as top(1) shows processes.
//
//	err := top.Run(ctx, client, time.Second)
//	fmt.Print(top.Text(status, 80)) // one look, for scripts
//
// Two lines tell of the server, and below them each transfer has one, the
// fastest first: how far it is, by which method it is moved, and what holds it back.
// What does not fit goes away column by column; 80 columns show the most of
// it.
//
// The view is a pure function of a model, and the model of the messages it
// got; only Run touches a terminal.
package top
