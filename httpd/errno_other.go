//go:build !unix && !windows

package httpd

func isExhausted(error) bool { return false }

func isNoPath(error) bool { return false }

func isGone(error) bool { return false }
