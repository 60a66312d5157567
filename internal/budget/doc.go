// Package budget shares what is scarce among clients: turns at a processor, the places of a queue, and memory.
//
//	sums := budget.NewPool("checksums", budget.Bounds{Size: 1, Queue: 1000, QueuePerClient: 16})
//	hold, err := sums.Take(ctx, budget.Party{Client: addr}, 1, fileSize)
//	if err != nil {
//		return err // a *Refusal, or that of ctx
//	}
//	defer hold.Release()
//	for each block {
//		if err := hold.Yield(ctx); err != nil { // others have their turn
//			return err
//		}
//		…
//	}
//
// # Design
//
// A [Pool] is a number of units: turns, entries, bytes. Bounds limit what one client, account or mount holds of them,
// and how many requests wait. A part can be left to clients that hold little. A request that would have to wait where no
// place is left is refused, which costs nothing.
//
// The next request is one of the client that holds least; among equals, that has used least; among equals, the smallest;
// among equals, one of the client with the fewest requests that wait; among equals, the first. The use of a client is
// units times the time that it held them. A client that comes, or comes back, begins with what the least of the present
// ones has used: it waits for one turn, not for all that the others have had before, and gains nothing by staying away.
// So a stranger's queue of long computations delays the first short one of somebody else by one turn, and many clients
// get equal parts, whatever the number of requests of each.
//
// Nobody overtakes a request that fits within the bounds of its own party but not within the pool, so that requests for
// many units have their turn too.
//
// Work that may hang, as on a disk, must keep no turn meanwhile: [Slices] gives it back.
//
// Refusals and waits are counted (Stats), and the holder that a request waited for is known (Hold.Waited,
// Pool.Waits), so that log, metrics and "sluice top" can name it.
package budget
