package s3fs

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	leaseTime  = time.Minute      // after which a marker that was not written again belongs to nobody
	leaseRenew = 15 * time.Second // how often it is written
)

// lease is the goroutine that writes the marker of an upload again, to show other servers that the upload is active.
type lease struct {
	stop chan struct{} // nil: there is none
	done sync.WaitGroup
}

// begin calls renew from time to time, until end is called or ctx ends.
func (l *lease) begin(ctx context.Context, renew func()) {
	stop := make(chan struct{})
	l.stop = stop
	l.done.Go(func() {
		ticker := time.NewTicker(leaseRenew)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				renew()
			case <-stop:
				return
			case <-ctx.Done():
				return
			}
		}
	})
}

// end returns when renew is not called any more.
func (l *lease) end() {
	if l.stop != nil {
		close(l.stop)
		l.stop = nil
	}
	l.done.Wait()
}

// ageOfMarker returns when a marker was written last, by the clock of the store.
func (s *FS) ageOfMarker(key string) (time.Duration, error) {
	ctx, done := s.request()
	defer done()
	var opt minio.GetObjectOptions
	_ = opt.SetRange(0, maxLine-1)
	body, object, header, err := s.client.GetObject(ctx, s.bucket, key, opt)
	if err != nil {
		return 0, translate(err)
	}
	defer body.Close()
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	content := make([]byte, len(markerBegins))
	if _, err := io.ReadFull(body, content); err != nil || string(content) != markerBegins {
		return 0, errNoMarker
	}
	return now.Sub(object.LastModified), nil
}
