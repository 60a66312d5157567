package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// uploadContent is how many bytes of content there are; longer uploads repeat them.
const uploadContent = 1 << 20

// newContent returns content that does not compress, and another one each time.
func newContent() []byte {
	content := make([]byte, uploadContent)
	source := rand.NewChaCha8([32]byte{byte(rand.Uint32())})
	_, _ = source.Read(content) // never fails
	return content
}

// uploadName returns a name for the uploads of a client.
func (r *run) uploadName(client string) string {
	return fmt.Sprintf("sluice-bench-%s-%016x", client, rand.Uint64())
}

// noteStored records a path under which an upload may exist.
func (r *run) noteStored(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leftovers = append(r.leftovers, path)
}

// cleanUp removes the uploads of the clients if the server allows it, even after
// the end of ctx, for ten seconds at most.
func (r *run) cleanUp(ctx context.Context) {
	if len(r.leftovers) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	c := newClient(r.job, r.target, new(atomic.Int64))
	defer c.close()
	for _, path := range r.leftovers {
		if !c.connected() && c.connect(ctx) != nil {
			return
		}
		if err := c.do(&request{op: remove, name: path}); err != nil {
			c.close()
		}
	}
}
