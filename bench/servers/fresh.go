package servers

import (
	"context"
	"errors"
	"fmt"

	"sluice/bench"
	"sluice/bench/load"
	"sluice/bench/proc"
)

// measureFresh starts a server, opens w.Before connections that get an answer
// each, and adds by how much memory the server grows for each of w.Clients more,
// or of as many as it can keep.
func (c *cell) measureFresh(ctx context.Context, w Workload) error {
	server, err := c.start(ctx)
	if err != nil {
		return err
	}
	defer server.Stop()
	var before, after proc.Usage
	var errs [4]error
	few, many := w.job(server), w.job(server)
	few.Clients = w.Before
	if c.most < w.Before+w.Clients {
		many.Clients = max(c.most-w.Before, 1)
		c.fewer = many.Clients
	}
	many.End = func() { after, errs[3] = server.Usage() }
	few.End = func() { // its connections stay open until this returns
		if before, errs[1] = server.Usage(); errs[1] == nil {
			errs[2] = connectAll(ctx, many)
		}
	}
	errs[0] = connectAll(ctx, few)
	if err := errors.Join(append(errs[:], context.Cause(ctx))...); err != nil {
		if errors.Is(err, errors.ErrUnsupported) { // this system accounts no processes
			return nil
		}
		return err
	}
	grown, known := growth(before, after)
	if known {
		c.add("B/conn", bench.Lower, float64(grown)/float64(many.Clients))
	}
	return nil
}

// connectAll runs a job of idle clients, and returns an error unless all of them
// connect and stay connected.
func connectAll(ctx context.Context, job load.Job) error {
	res, err := load.Run(ctx, job)
	switch {
	case err != nil:
		return err
	case len(res.Errors) > 0:
		return fmt.Errorf("not all of %d clients stay connected: %s", job.Clients, list(res.Errors))
	}
	return nil
}

// growth returns by how many bytes a server has grown. Pages that several of its
// processes share count once.
func growth(before, after proc.Usage) (n int64, known bool) {
	have := before.Have & after.Have
	if before.Processes == 1 && after.Processes == 1 {
		// Not the share of pages: this process is of the same program as ours,
		// and its own use of a page would change the share.
		return after.RSS - before.RSS, have.Has(proc.HaveRSS)
	}
	return after.PSS - before.PSS, have.Has(proc.HavePSS)
}
