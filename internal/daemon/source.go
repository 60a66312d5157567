package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"sluice/internal/account"
	"sluice/internal/admin"
	"sluice/internal/config"
	"sluice/internal/sandbox"
	"sluice/internal/vfs"
)

// source is what is served: a directory of this host, a bucket of an object store, or several of these. Their differences are
// in directory.go, bucket.go and joined.go.
type source interface {
	// tree returns the files as of now, to be read. The caller may keep it. writable returns those of a tree to be
	// changed too.
	tree() vfs.Tree
	writable(tree vfs.Tree) vfs.Tree

	dirs() []string               // those of this host, absolute
	homes(home string) []string   // those of this host that are a home, or are shown beneath it
	sweepInterval() time.Duration // how often to search for the remains of broken uploads, which are kept for days

	// update looks whether the name leads to other files by now. It returns their tree, or nil. It is called every
	// followInterval, by one goroutine.
	update(logger *slog.Logger) vfs.Tree

	// pauseForHome returns how long not to ask again for the home of the guest, when it was missing.
	pauseForHome(home string) time.Duration

	// files returns names of files that are read again while the server runs, for sandbox.NamedFiles, and readBy says how
	// they can be opened from then on.
	files() []string
	readBy(*sandbox.Files)

	// confine adds to a plan what must be opened later. checkAccess then returns an error if that is not possible for the
	// user u that the process has become, nil if that is the same, or if the writers cannot write to their homes.
	confine(*sandbox.Plan)
	checkAccess(u *sandbox.User, writers []account.Account) error

	// warn logs what clients are promised and the source cannot keep. syncs says that changes are promised to be durable.
	warn(logger *slog.Logger, syncs bool)

	requests() *admin.Store // to an object store; nil: there is none
	ready() string          // why the files cannot be read now, as clients may know; "": they can

	close()
}

// openSource opens what a configuration names. Errors say what to do.
func openSource(ctx context.Context, conf *config.Config, logger *slog.Logger) (_ source, err error) {
	var parts []part
	defer func() {
		if err != nil {
			for _, p := range parts {
				p.close()
			}
		}
	}()
	store := newObjectStore(conf.S3, logger)
	for _, place := range conf.Places() {
		opened, err := openPlace(ctx, place, store, conf)
		switch {
		case err == nil:
			parts = append(parts, part{place.Path, opened})
		case place.Path == "/":
			return nil, err
		default:
			return nil, fmt.Errorf("--mount %s: %w", place.Path, err)
		}
	}
	all := parts[0].source
	if len(parts) > 1 {
		if all, err = join(parts); err != nil {
			return nil, err
		}
	}
	if conf.S3.Cache != "" {
		if err := checkApart("--cache", conf.S3.Cache, all.dirs()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// openPlace opens a directory, or a bucket of the store.
func openPlace(ctx context.Context, place config.Place, store *objectStore, conf *config.Config) (source, error) {
	if b, isBucket := config.ParseBucket(place.Root); isBucket {
		return store.openBucket(ctx, b, conf)
	}
	opened, err := openDirectory(place.Root)
	if err != nil {
		return nil, explainRoot(place.Root, howToName(place), err) // not opened: a nil pointer in an interface is not nil
	}
	return opened, nil
}

// howToName says how a directory is named on the command line.
func howToName(place config.Place) string {
	if place.Path == "/" {
		return "sluice serve DIR"
	}
	return "--mount " + place.Path + "=DIR"
}

// followInterval is how often the names of directories are looked up.
const followInterval = 500 * time.Millisecond

// followRoot looks the root up regularly until ctx ends, and the guest's home too,
// which may have been missing. New FTP logins get the new root.
func (d *daemon) followRoot(ctx context.Context) {
	ticks := time.NewTicker(followInterval)
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
