package httpd

// Descriptors gives the sockets of a Listener to the test, as to event loops.
func Descriptors(l *Listener, closing func()) ([]int, error) { return l.descriptors(closing) }

// Release closes these sockets.
func Release(l *Listener) { l.release() }
