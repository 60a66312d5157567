//go:build !linux

package ftpd_test

// hasSendfile tells what method package sendfile takes here.
const hasSendfile = false
