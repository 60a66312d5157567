//go:build !linux

package metrics

import "errors"

func endThread() error { return errors.ErrUnsupported }

func printSocketsError(int) {}

func printFirstThreads() {}
