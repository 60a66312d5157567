package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// uploadContent is how much content there is to upload; longer uploads repeat it.
const uploadContent = 1 << 20

// newContent returns content that no server can compress or has seen before.
func newContent() []byte {
	content := make([]byte, uploadContent)
	source := rand.NewChaCha8([32]byte{byte(rand.Uint32())})
	_, _ = source.Read(content) // never fails
	return content
}

// uploadName returns the name under which a client stores.
func (r *run) uploadName(client string) string {
	return fmt.Sprintf("sluice-bench-%s-%016x", client, rand.Uint64())
}

// noteStored notes that there may be something stored under a path.
func (r *run) noteStored(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leftovers = append(r.leftovers, path)
}

// cleanUp removes what the clients have stored, as far as the server allows,
// even if ctx has ended; not longer than some seconds.
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
