//go:build !unix

package httpd

func isExhausted(error) bool { return false }

func isNoPath(error) bool { return false }
