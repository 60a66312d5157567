package metrics

import "syscall"

// Only tests set these variables, to inject faults. Otherwise they are nil, and a
// check costs a comparison.
var (
	// injectError returns an error for a system call, which is then not made, or 0.
	injectError func(call string) syscall.Errno
	// corruptAnswer changes the bytes that a call has read, and returns how many
	// remain.
	corruptAnswer func(call string, answer []byte) int
)

// injectedError returns the error that a test wants call to fail with, or 0.
func injectedError(call string) syscall.Errno {
	if injectError == nil {
		return 0
	}
	return injectError(call)
}

// injectedLength returns the length of answer, which a test may change.
func injectedLength(call string, answer []byte) int {
	if corruptAnswer == nil {
		return len(answer)
	}
	return corruptAnswer(call, answer)
}
