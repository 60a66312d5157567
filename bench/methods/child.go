package methods

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"sluice/bench/proc"
)

// serverTimeout is how long the server may take to answer, and to end.
const serverTimeout = 10 * time.Second

// A child is the server in its process.
type child struct {
	process   *proc.Process
	in, out   *os.File // our ends of its standard input and output
	requests  *json.Encoder
	replies   *json.Decoder
	addresses addresses
}

// startChild starts the server on the processors cpus; nil means any.
func startChild(self []string, cpus []int, s setup) (*child, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	defer theirOut.Close()
	c := &child{in: in, out: out, requests: json.NewEncoder(in), replies: json.NewDecoder(out)}
	c.process, err = proc.Start(proc.Command{Args: self, CPUs: cpus, Stdin: theirIn, Stdout: theirOut})
	if err != nil {
		c.closePipes()
		return nil, err
	}
	_ = theirOut.Close() // so that our end sees an EOF when the process ends
	err = c.call(s, &c.addresses)
	if err == nil && c.addresses.Err != "" {
		err = errors.New(c.addresses.Err)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the server of the methods: %w", err), c.stop())
	}
	return c, nil
}

// call sends a request and waits for its reply.
func (c *child) call(request, reply any) error {
	_ = c.out.SetReadDeadline(time.Now().Add(serverTimeout)) // fails where pipes have none
	err := c.requests.Encode(request)
	if err == nil {
		err = c.replies.Decode(reply)
	}
	if err == nil {
		return nil
	}
	// If the process has ended, that is known shortly after its output has
	// ended, and says more.
	select {
	case <-c.process.Exited():
		return c.process.Err()
	case <-time.After(time.Second):
		return fmt.Errorf("the server of the methods does not answer: %w", err)
	}
}

// usage returns what the server has used so far.
func (c *child) usage() (usage, error) {
	var u usage
	err := c.call(usageRequest{}, &u)
	return u, err
}

// url returns the URL of the file of a cell, by its method.
func (c *child) url(cl *cell) string {
	base := "http://" + c.addresses.Plain
	if cl.method.over == overTLS {
		base = "https://" + c.addresses.Secure
	}
	if cl.cache == cold {
		base += "/cold"
	}
	return base + "/" + cl.method.name + "/" + sizeName(cl.size)
}

// stop ends the server, and returns when its process is gone.
func (c *child) stop() error {
	c.closePipes()
	return c.process.Stop(serverTimeout)
}

func (c *child) closePipes() {
	_ = c.in.Close()
	_ = c.out.Close()
}
