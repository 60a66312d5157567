package daemon

import (
	"context"
	"log/slog"
	"time"

	"sluice/internal/account"
	"sluice/internal/admin"
	"sluice/internal/config"
	"sluice/internal/sandbox"
	"sluice/internal/vfs"
)

// source is what is served: a directory of this host, or a bucket of an object store. Their differences are in
// directory.go and bucket.go.
type source interface {
	// tree returns the files as of now, to be read. The caller may keep it. writable returns those of a tree to be
	// changed too.
	tree() vfs.Tree
	writable(tree vfs.Tree) vfs.Tree

	dir() string                  // absolute; "": no directory of this host
	sweepInterval() time.Duration // how often to search for the remains of broken uploads, which are kept for days

	// update looks whether the name leads to other files by now. It returns their tree, or nil. It is called at each
	// interval, by one goroutine.
	update(logger *slog.Logger) vfs.Tree
	interval() time.Duration

	// files returns names of files that are read again while the server runs, for sandbox.NamedFiles, and readBy says how
	// they can be opened from then on.
	files() []string
	readBy(*sandbox.Files)

	// confine adds to a plan what must be opened later. checkAccess then returns an error if that is not possible for the
	// user u that the process has become, nil if that is the same, or if the writers cannot write.
	confine(*sandbox.Plan)
	checkAccess(u *sandbox.User, writers []account.Account) error

	// warn logs what clients are promised and the source cannot keep. syncs says that changes are promised to be durable.
	warn(logger *slog.Logger, syncs bool)

	requests() *admin.Store // to an object store; nil: there is none
	ready() string          // why the files cannot be read now, as clients may know; "": they can

	close()
}

// openSource opens what a configuration names. Errors say what to do.
func openSource(ctx context.Context, conf *config.Config, logger *slog.Logger) (source, error) {
	bucket, isBucket := conf.Bucket()
	if isBucket {
		return openBucket(ctx, bucket, conf, logger)
	}
	r, err := openDirectory(conf.Root)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// followRoot looks the root up regularly until ctx ends, and the guest's home too,
// which may have been missing. New FTP logins get the new root.
func (d *daemon) followRoot(ctx context.Context) {
	ticks := time.NewTicker(d.root.interval())
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		if d.root.update(d.logger) != nil {
			d.countHomes()
		}
		d.updatePages()
	}
}

// checkHome reports why a home cannot be opened. It may be created later.
func (d *daemon) checkHome(home string) error {
	if home == "" {
		return nil
	}
	_, leave, err := vfs.Sub(d.root.tree(), home)
	if err != nil {
		return err
	}
	leave()
	return nil
}
