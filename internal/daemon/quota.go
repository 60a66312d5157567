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
	current atomic.Pointer[openVolume]
	refused sync.Map // of reasons to *atomic.Uint64
}

type openVolume struct {
	root *vfs.Root
	*quota.Volume
}

// counter returns the counter of changes refused for that reason.
func (v *volumes) counter(reason string) *atomic.Uint64 {
	n, _ := v.refused.LoadOrStore(reason, new(atomic.Uint64))
	return n.(*atomic.Uint64)
}

// volume returns what counts the files of root, or nil if there is nothing to count.
func (d *daemon) volume(root *vfs.Root) *quota.Volume {
	if v := d.volumes.current.Load(); v != nil && v.root == root {
		return v.Volume
	}
	return nil
}

// updateVolume makes the volume of the served directory, if there are quotas or a reserve,
// and has the homes of users with quotas counted.
func (d *daemon) updateVolume() {
	conf, root := d.current.Load(), d.root.tree()
	before := d.volumes.current.Load()
	if !d.mayWrite() || before == nil && !conf.HasQuota() && quota.Reserve(d.conf.Quota.Reserve).IsZero() {
		return
	}
	if before == nil || before.root != root {
		v := quota.New(root, quota.Reserve(d.conf.Quota.Reserve))
		v.OnRefusal = func(reason string) { d.volumes.counter(reason).Add(1) }
		d.volumes.current.Store(&openVolume{root, v})
		if before != nil {
			before.Close()
		}
	}
	for _, a := range d.users.All() {
		quota.SpaceIn(d.volume(root), a.Home, a.Quota)
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
		if !a.Quota.IsZero() && path.Clean("/"+a.Home) == "/" {
			d.logger.Info("a quota counts all files of the served directory, because the user has no home", "user", a.Name)
			return
		}
	}
}
