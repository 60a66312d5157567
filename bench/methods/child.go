package methods

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"sluice/bench/proc"
)

// patience is how long the server may take to answer a question, and to end.
const patience = 10 * time.Second

// A child is the server in its process.
type child struct {
	process *proc.Process
	in, out *os.File // our ends of its standard input and output
	to      *json.Encoder
	from    *json.Decoder
	welcome welcome
}

// startChild starts the server on the processors cpus; nil means any.
func startChild(self []string, cpus []int, o orders) (*child, error) {
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
	c := &child{in: in, out: out, to: json.NewEncoder(in), from: json.NewDecoder(out)}
	c.process, err = proc.Start(proc.Command{Args: self, CPUs: cpus, Stdin: theirIn, Stdout: theirOut})
	if err != nil {
		c.closePipes()
		return nil, err
	}
	_ = theirOut.Close() // so that its output ends with it
	err = c.ask(o, &c.welcome)
	if err == nil && c.welcome.Err != "" {
		err = errors.New(c.welcome.Err)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the method server: %w", err), c.stop())
	}
	return c, nil
}

// ask says q and waits for the answer.
func (c *child) ask(q, answer any) error {
	_ = c.out.SetReadDeadline(time.Now().Add(patience)) // fails where pipes have none
	err := c.to.Encode(q)
	if err == nil {
		err = c.from.Decode(answer)
	}
	if err == nil {
		return nil
	}
	// The end of the process, if it is that, comes shortly after that of its
	// output, and says more.
	select {
	case <-c.process.Exited():
		return c.process.Err()
	case <-time.After(time.Second):
		return fmt.Errorf("the method server does not answer: %w", err)
	}
}

// account asks what the server has used so far.
func (c *child) account() (account, error) {
	var a account
	err := c.ask(question{}, &a)
	return a, err
}

// url is where to ask for what a cell measures.
func (c *child) url(cl *cell) string {
	base := "http://" + c.welcome.Plain
	if cl.method.over == overTLS {
		base = "https://" + c.welcome.Secure
	}
	if cl.cache == cold {
		base += "/cold"
	}
	return base + "/" + cl.method.name + "/" + sizeName(cl.size)
}

// stop ends the server, and returns when its process is gone.
func (c *child) stop() error {
	c.closePipes()
	return c.process.Stop(patience)
}

func (c *child) closePipes() {
	_ = c.in.Close()
	_ = c.out.Close()
}
