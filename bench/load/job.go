package load

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// mostRate is more than one machine can send.
const mostRate = 1e6

// Check returns the error that Run would return before its first request, or nil.
func (j *Job) Check() error {
	_, err := j.resolve()
	return err
}

// resolve checks the job and returns its server.
func (j *Job) resolve() (*target, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	t, err := parseTarget(j.URLs)
	if err != nil {
		return nil, err
	}
	return t, j.checkFiles(t)
}

// check checks all of a job but its URLs.
func (j *Job) check() error {
	switch j.Kind {
	case Download, Churn, Idle:
	case Range:
		if j.RangeSize <= 0 {
			return fmt.Errorf("ranges of %d bytes: there must be at least one", j.RangeSize)
		}
	case Upload:
		if j.UploadSize < 0 {
			return fmt.Errorf("uploads of %d bytes: the size must not be below zero", j.UploadSize)
		}
	default:
		return fmt.Errorf("kind of load %q: want %s, %s, %s, %s or %s", j.Kind, Download, Range, Upload, Churn, Idle)
	}
	switch {
	case j.Clients < 1:
		return fmt.Errorf("%d clients: there must be at least one", j.Clients)
	case !(j.Rate >= 0 && j.Rate <= mostRate): // NaN too
		return fmt.Errorf("%v requests a second: want 0 to %.0f", j.Rate, mostRate)
	case !(j.Verify >= 0 && j.Verify <= 1):
		return fmt.Errorf("a share of %v to verify: want 0 to 1", j.Verify)
	case j.Warmup < 0 || j.Duration < 0 || j.Requests < 0 || j.Timeout < 0:
		return errors.New("times and numbers of requests must not be below zero")
	case j.Duration == 0 && j.Requests == 0 && j.Kind != Idle:
		return errors.New("neither a duration nor a number of requests: the load would never end")
	}
	return nil
}

// timeout is how long a step may take.
func (j *Job) timeout() time.Duration {
	if j.Timeout == 0 {
		return 30 * time.Second
	}
	return j.Timeout
}

// connectsEachTime reports whether each request has a connection of its own.
func (j *Job) connectsEachTime() bool { return j.Reconnect || j.Kind == Churn }

// fetches reports whether this kind of job has content to compare.
func (j *Job) fetches() bool { return j.Kind == Download || j.Kind == Range }

// verifies reports whether content is compared while it is measured.
func (j *Job) verifies() bool { return j.Verify > 0 && j.fetches() }

// content returns the content that url must have, or nil if any will do.
func (j *Job) content(url string) io.Reader {
	if j.Content == nil || !j.fetches() {
		return nil
	}
	return j.Content(url)
}

// checkFiles returns an error if the clients need more descriptors than the
// process may have.
func (j *Job) checkFiles(t *target) error {
	const others = 32
	need := uint64(j.Clients)
	if t.protocol == ftp && j.Kind != Idle && j.Kind != Churn {
		need *= 2 // control and data
	}
	if limit, known := fileLimit(); known && need+others > limit {
		return fmt.Errorf("%d clients need %d file descriptors, and the limit is %d: raise it with ulimit -n", j.Clients, need+others, limit)
	}
	return nil
}
