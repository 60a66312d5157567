package daemon

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"sluice/internal/config"
	"sluice/internal/daemon/listen"
	"sluice/internal/sandbox"
)

// Options are what Run needs besides a context.
type Options struct {
	Config  config.Config // checked
	Load    Loader
	Reload  <-chan os.Signal // each signal reloads the configuration
	Stdout  io.Writer        // for the URLs
	Stderr  io.Writer        // for the log
	Version string           // of the program, for the operator
}

// A Loader reads the configuration again, for a reload. It opens the file by
// files: the process itself may not be able to any more.
type Loader func(files *sandbox.Files) (*Loaded, error)

// Loaded is a configuration that was read again.
type Loaded struct {
	Config  config.Config     // checked
	Changed []string          // keys whose values differ from those at the start
	Locate  func(error) error // adds file and line to an error that begins with a flag
}

// Run serves until a signal or a failure ends it. The URLs, and passwords that
// were made up, are printed when everything that can be known to fail has been tried.
//
// Run does not return if a file system hangs at the end: it then ends the program.
func Run(ctx context.Context, o Options) error {
	d, err := open(ctx, o.Config, o.Stderr)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.chooseUser(); err != nil {
		return err
	}
	if err := d.prepareState(); err != nil {
		return err
	}
	if _, err := d.authProgram(); err != nil {
		return err
	}
	if d.opener, err = listen.NewOpener(d.conf.ReusePort, d.loops()); err != nil {
		return err
	}
	defer d.closeListeners()

	// From now on there are unix sockets to remove: a signal during the start ends what it has started.
	stop := make(chan os.Signal, 3) // see drain.stop
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)
	started := d.giveUpStart()
	defer started()

	operator, err := d.newOperator(ctx, o.Version)
	if err != nil {
		return err
	}
	defer operator.close()
	services, err := d.services(ctx)
	if err != nil {
		return err
	}
	d.warn()
	limitMemory()
	contained, err := d.contain(services)
	if err != nil {
		return err
	}
	operator.handler.Contained = contained
	d.probe()

	d.countHomes()
	d.updatePages() // which counts what a guest may write
	background, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { d.sweepRegularly(background) })
	running.Go(func() { d.followRoot(background) })
	running.Go(func() { d.watchMounts(background) })
	running.Go(func() { d.recountRegularly(background) })
	running.Go(func() { d.reloadOnSignal(background, o.Reload, o.Load) })
	defer running.Wait()
	defer cancel()
	if err := printGreeting(o.Stdout, allURLs(services), o.Config.Logins); err != nil {
		return err
	}
	operator.handler.RefusedUploads, operator.handler.LogDropped = d.refusedUploads, d.log.Dropped
	if d.conf.Serves("ftp", "ftps") {
		operator.handler.PassivePorts = d.portsInUse
	}
	operator.serve(services)
	addProcessors(loopsOf(d.listeners["http"]), d.logger) // all of them are open, and have counted the processors
	notify(stateReady)
	started()
	end := drain{stop: stop, limit: o.Config.Drain, begin: operator.handler.Drain, giveUp: d.giveUp}
	return end.run(services, d.live, d.logger)
}

// giveUpStart ends the program if a signal comes and the start then hangs for lastWait, or until another
// signal: a file system may not answer. The caller calls started when the start is over.
func (d *daemon) giveUpStart() (started func()) {
	signals, over := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-over:
			return
		}
		select {
		case <-signals:
		case <-time.After(lastWait):
		case <-over:
			return
		}
		d.logger.Warn("the start does not end, perhaps because a file system does not answer: ended without waiting for it")
		d.log.Flush()
		os.Exit(1)
	}()
	return sync.OnceFunc(func() {
		signal.Stop(signals)
		close(over)
	})
}

// closeListeners closes the listeners and removes the unix sockets that belong to
// another user by now.
func (d *daemon) closeListeners() {
	d.opener.Close()
	for _, path := range d.sockets {
		_ = d.files.Remove(path) // a socket that stays is replaced at the next start
	}
}

// printGreeting prints the URLs, and the passwords that were made up.
func printGreeting(w io.Writer, urls []string, logins []config.Login) error {
	for _, url := range urls {
		if _, err := fmt.Fprintln(w, url); err != nil {
			return fmt.Errorf("print the URL: %w", err)
		}
	}
	for _, l := range logins {
		if !l.MadeUp {
			continue
		}
		if _, err := fmt.Fprintf(w, "user %s, password %s\n", l.Name, l.Password); err != nil {
			return fmt.Errorf("print the password of %s: %w", l.Name, err)
		}
	}
	return nil
}

// allURLs returns each URL of the services once, in order. Sockets may share an
// address.
func allURLs(services []*service) []string {
	var all []string
	for _, s := range services {
		for _, l := range s.listeners {
			for _, u := range listen.URLs(l.scheme, l.Addr(), listen.Interfaces()) {
				if !slices.Contains(all, u) {
					all = append(all, u)
				}
			}
		}
	}
	return all
}
