package httpd

import "sluice/internal/rate"

// Limiter is a limit of bandwidth that responses share, those of several servers
// too:
//
//	// Wait blocks until some of the next n bytes may be sent and returns how many, from 1 to n, or the cause of ctx
//	// when that ends first. n is all that is to come, as far as that is known.
//	Wait(ctx context.Context, n int) (int, error)
//
//	// Return gives back n bytes that Wait has granted and that were not sent.
//	Return(n int)
//
// Both are called from many goroutines.
type Limiter = rate.Limiter

// NewLimiter returns a Limiter that grants bytesPerSecond bytes per second, shared
// equally by all responses that wait. Zero or less is no limit: then it returns nil.
func NewLimiter(bytesPerSecond int64) Limiter { return rate.NewLimiter(bytesPerSecond) }
