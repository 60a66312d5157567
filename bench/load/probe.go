package load

import (
	"context"
	"fmt"
	"sync/atomic"
)

// A reference is the known content of a URL.
type reference struct {
	size   int64
	digest *digest // nil unless content is verified
}

// matches reports whether the content of the response to rq is that of ref. A
// part that is verified is a whole block of ref.
func (ref *reference) matches(rq *request) bool {
	block := int64(0)
	if rq.op == part {
		block = rq.off / rq.size
	}
	return rq.digest.sums[0] == ref.digest.sums[block]
}

// probe sends one request for each URL before the measurement, and records the
// content as references. Files that it uploads are among the leftovers.
func (r *run) probe(ctx context.Context) error {
	c := newClient(r.job, r.target, new(atomic.Int64))
	defer c.close()
	for i, url := range r.target.urls {
		ref, err := r.probeURL(ctx, c, i)
		if err != nil {
			return explain(url, err)
		}
		r.refs = append(r.refs, ref)
	}
	return nil
}

func (r *run) probeURL(ctx context.Context, c client, i int) (ref reference, err error) {
	var requests []*request
	whole := request{op: fetch, url: i}
	switch kind := r.job.Kind; {
	case kind == Upload:
		name := r.target.child(i, r.uploadName("probe"))
		r.noteStored(name)
		requests = append(requests, &request{op: store, name: name, size: r.job.UploadSize, content: r.content})
	case r.target.protocol == ftp && kind == Idle:
		requests = append(requests, &request{op: minimal})
	case kind == Churn:
		requests = append(requests, &request{op: minimal, url: i})
	case kind == Range:
		requests = append(requests, &whole, &request{op: part, url: i, size: r.job.RangeSize})
	default:
		requests = append(requests, &whole)
	}
	wanted := r.job.content(r.job.URLs[i])
	if r.job.verifies() || wanted != nil {
		ref.digest = newDigest(0)
		if r.job.Kind == Range {
			ref.digest.block = r.job.RangeSize
		}
		whole.digest = ref.digest
	}
	for _, rq := range requests {
		if rq.op == part && rq.size > ref.size {
			return ref, fmt.Errorf("%d bytes are less than a range of %d", ref.size, rq.size)
		}
		if !c.connected() {
			if err := c.connect(ctx); err != nil {
				return ref, err
			}
			r.target.address = c.address() // all clients use this address, without the resolver
		}
		if err := c.do(rq); err != nil {
			return ref, err
		}
		if rq.op != part {
			ref.size = rq.got
		}
		if rq.op == minimal && r.target.protocol == ftp {
			c.close()
		}
	}
	if ref.digest == nil {
		return ref, nil
	}
	ref.digest.finish()
	if wanted != nil {
		err = ref.digest.compare(wanted)
	}
	return ref, err
}
