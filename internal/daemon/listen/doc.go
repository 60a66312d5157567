// Package listen opens the listeners of "sluice serve": TCP addresses, which
// several sockets may share, unix sockets, and sockets that systemd hands over.
//
//	opener, err := listen.NewOpener(0, nil)
//	defer opener.Close()
//	listeners, err := opener.Open(ctx, "http", ":8080")
//
// Errors name the flag that gave the address and say what to do. An address that
// can never work is a config.UsageError.
//
// # Design
//
// Event loops need listeners of another kind, which the server makes. All sockets are
// opened at once, because the process may give up the rights that they need.
//
// TCP listeners do without multipath TCP, which package net turns on by default:
// on such connections some socket features fail.
//
// A unix socket is open to the user and the group of the server, where a proxy
// belongs. A socket without a listener, left by a server that was killed, is
// replaced; any other file of that name is an error.
//
// A socket that systemd hands over and no flag asks for is an error: its clients
// would connect and wait forever.
package listen
