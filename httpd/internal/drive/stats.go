package drive

// LoopStats describes an event loop.
type LoopStats struct {
	Connections int // of the loop now
	Sending     int // responses that did not fit into the socket at once, now

	// Since the start.

	Accepted uint64 // connections
	Silent   uint64 // of them, without a request when they were accepted
	Turns    uint64 // of the loop
	Worked   uint64 // times that a response needed a worker
	Replaced uint64 // times that the thread was stuck, and replaced
}
