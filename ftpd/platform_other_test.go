//go:build !linux

package ftpd_test

// hasSendfile tells what road package sendfile takes here.
const hasSendfile = false
