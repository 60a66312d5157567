// Package accesslog writes a line for each HTTP request, and each FTP transfer and change of
// a file, in the format of --log-format, and the server's other messages between them.
//
//	log := accesslog.New(os.Stderr, "json")
//	registry.OnTransfer = log.Record
//	log.Logger().Info("shutting down")
//	log.Flush()
//
// The formats are text (key=value, as slog's TextHandler writes it), json (the
// same as JSON), combined (nginx and Apache) and xferlog (wu-ftpd, vsftpd).
// Programs of others read the lines, so fields stay and keep their order.
//
// An FTP transfer appears in combined as in ProFTPD's ExtendedLog, with the reply code for
// how it ended: 226, 426, 451 or 550. Other changes by FTP have the code of their reply.
// xferlog has a line for each file that was moved or deleted, with the service http for HTTP,
// and none for errors, listings and other changes. JSON durations are in
// seconds, in keys that end in _seconds.
//
// # Untrusted values
//
// Long values are cut: after a path or target of 4096 bytes, or any other value of 1024, escapes included, stands "...+" and
// the number of bytes that are left out.
//
// Paths, users and header fields come from clients. In every format a value
// cannot end a field or a line, nor send an escape sequence to a terminal: each
// format has its own escapes, and FuzzLines holds them to that. The lines were
// tried with goaccess 1.7, awstats 7.8 (combined and xferlog) and fail2ban 1.0.2.
//
// # Cost
//
// A write system call per line would cost as much as the response to a small
// request. Lines wait up to 100 ms for others and are written together; other
// messages are written at once, after the lines that wait.
//
// # A writer that hangs or fails
//
// A goroutine of its own writes. Requests, logins, a reload and the end of the server never wait
// for it: the reader of a pipe may have stopped, a disk be full, a file system hang. Four
// mebibytes of lines wait; then lines are dropped, and counted. When the writer takes lines
// again, a message says how many are missing at that place. The bound is one of bytes, not
// of lines, because bytes are what the lines take. A panic that ends the process loses the
// lines that wait.
package accesslog
