package daemon

import (
	"context"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/quota"
	"sluice/internal/vfs"
)

// volumes has what counts the files of the served directory. It is replaced with the
// directory.
type volumes struct {
	mu      sync.Mutex // guards the fields below
	root    vfs.Tree
	current *quota.Volume // of root; nil: nothing is counted

	refused sync.Map // of reasons to *atomic.Uint64
}

// counter returns the counter of changes refused for that reason.
func (v *volumes) counter(reason string) *atomic.Uint64 {
	n, _ := v.refused.LoadOrStore(reason, new(atomic.Uint64))
	return n.(*atomic.Uint64)
}

// volume returns what counts the files of root, or nil if there are neither quotas nor a
// reserve, or nobody may write. Once there is one, it stays, because a reload may remove
// the last quota and bring it back.
func (d *daemon) volume(root vfs.Tree) *quota.Volume {
	conf, v := d.current.Load(), &d.volumes
	v.mu.Lock()
	defer v.mu.Unlock()
	reserve := quota.Reserve(d.conf.Quota.Reserve)
	switch {
	case v.current != nil && v.root == root:
		return v.current
	case !d.mayWrite() || v.current == nil && !conf.HasQuota() && reserve.IsZero():
		return nil
	}
	made := quota.New(root, reserve)
	made.OnRefusal = func(reason string) { v.counter(reason).Add(1) }
	if root == d.root.tree() { // not one that was replaced a moment ago
		v.current.Close()
		v.root, v.current = root, made
	}
	return made
}

// countHomes begins to count the homes of users with quotas, before their first login.
func (d *daemon) countHomes() {
	if v := d.volume(d.root.tree()); v != nil {
		for _, a := range d.users.All() {
			quota.SpaceIn(v, a.Home, a.Quota)
		}
	}
}

// recountInterval is how often the homes with quotas are counted again, to see changes by
// other programs.
const recountInterval = 10 * time.Minute

// recountRegularly counts at each interval until ctx ends.
func (d *daemon) recountRegularly(ctx context.Context) {
	ticks := time.NewTicker(recountInterval)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			d.volume(d.root.tree()).Recount()
		case <-ctx.Done():
			return
		}
	}
}

// refusedUploads returns how many changes were refused, by reason.
func (d *daemon) refusedUploads() map[string]uint64 {
	all := make(map[string]uint64)
	for _, reason := range quota.Reasons() { // from the start on, so that alerts see a 0
		all[reason] = d.volumes.counter(reason).Load()
	}
	return all
}

// warnQuotas logs that a quota is one for the whole served directory.
func (d *daemon) warnQuotas() {
	for _, a := range d.users.All() {
		if a.Quota.NeedsCount() && path.Clean("/"+a.Home) == "/" {
			d.logger.Info("a quota counts all files of the served directory, because the user has no home", "user", a.Name)
			return
		}
	}
}
