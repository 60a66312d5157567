//go:build !linux

package ftpd_test

// hasSendfile says whether package sendfile uses sendfile(2) on this system.
const hasSendfile = false
