// Package top shows the transfers of a running server, as top(1) shows processes.
//
//	err := top.Run(ctx, client, time.Second)
//	fmt.Print(top.Text(status, 80)) // once, for scripts
//
// Two lines show the server. Below them is a line for each transfer, the fastest
// first: its progress, the method that moves its bytes, and what limits it.
//
// # Design
//
// The view is a pure function of a model, and the model of the messages that it got;
// only Run touches a terminal. Golden files hold screens of many sizes, and a test in
// tmux (e2e) holds the real program to them. The data is /status.json, as scripts get
// it. AIX has no live view, because a dependency of Bubble Tea does not build there.
//
// Columns have a rank. If the terminal is too narrow, the columns of the highest rank
// are left out; 80 columns show rate, progress, time left, method, cause, user, peer
// and file. Of a long path the end is shown, of the server's lines the beginning, where
// problems are.
//
// The first row stays selected until the user selects another, whichever transfer it
// shows. A selection then follows its transfer.
//
// Names come from clients: package show escapes what could control the terminal.
package top
