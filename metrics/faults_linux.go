package metrics

import "syscall"

// Tests put themselves between this package and the kernel by these. Nothing
// else sets them, and a call costs a comparison with nil.
var (
	// failCall lets a system call fail without being made.
	failCall func(call string) syscall.Errno
	// spoilAnswer changes what a call has read, and returns how much of it there is.
	spoilAnswer func(call string, answer []byte) int
)

func failure(call string) syscall.Errno {
	if failCall == nil {
		return 0
	}
	return failCall(call)
}

func spoiled(call string, answer []byte) int {
	if spoilAnswer == nil {
		return len(answer)
	}
	return spoilAnswer(call, answer)
}
