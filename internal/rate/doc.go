// Package rate limits the bandwidth of transfers.
//
//	all := rate.New(10 << 20) // bytes per second, shared by several transfers
//	t := rate.Begin(size, rate.PerTransfer{Rate: 1 << 20}, all)
//	res, err := sendfile.Send(ctx, conn, f, 0, size, &sendfile.Options{Wait: t.Hook()})
//	t.Close(res.Sent)
//
// A [Limit] is one rate; a [Throttle] applies all limits of one transfer. A
// transfer that uses a Limit alone gets a grant 10 to 20 times a second at any
// rate, and keeps to the rate on average. The first grant comes at once, so that
// small responses are not delayed.
//
// Limits count bytes passed to or taken from the kernel, without the overhead of
// TLS and TCP.
//
// # Design
//
// A Limit stores a moment instead of tokens: when all reserved bytes will have
// been sent at its rate. A transfer that reserves bytes waits until that moment,
// so transfers take turns in the order in which they ask. A grant is 50 ms of the
// transfer's part of the rate, or up to 100 ms where 50 ms are less than 16 KiB.
// Unused bytes are returned, so that small uploads, whose size is not known, do
// not waste bandwidth. A transfer asks its narrowest limit first, and the wider
// ones for at most that many bytes.
//
// golang.org/x/time/rate is not used, because a grant cannot be returned:
// Reservation.Cancel has no effect once its time has come, and little if others
// have reserved since. Each chunk would have to wait by itself, 400 times a second
// at 100 MB/s.
package rate
