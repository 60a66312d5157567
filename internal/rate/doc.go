// Package rate keeps transfers to limits of bandwidth.
//
//	all := rate.New(10 << 20) // bytes per second, shared by whoever is given it
//	t := rate.Begin(size, rate.Own{Rate: 1 << 20}, all)
//	res, err := sendfile.Send(ctx, conn, f, 0, size, &sendfile.Options{Wait: t.Hook()})
//	t.Close(res.Sent)
//
// A [Limit] is one rate, a [Throttle] all that hold for one transfer. Who is
// alone gets a turn 10 to 20 times a second, at whatever rate, and the average is
// kept to as long as nothing else is slower. It begins with a turn at once, so
// that a small answer is not late.
//
// What is limited is what is given to the kernel, or taken from it: the frames
// of TLS and TCP are not counted.
package rate
