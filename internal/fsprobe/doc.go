// Package fsprobe finds out what a file system of another machine or process can do, by trying it.
//
//	r := fsprobe.Probe("/srv/pub", fsprobe.Options{Write: true})
//	log.Println(r.Attrs()...)
//	for _, c := range r.Concerns() {
//		log.Println(c.What, c.Instead)
//	}
//
// Disks of this machine are not tried: package os promises what they do. Network file systems and those of FUSE differ:
// some have no locks, some remove a file before they replace it, some can write only whole files.
//
// # Limitations
//
// It tries from one host, so it cannot see what another host sees, nor when: the options of the mount say how long the
// system remembers sizes and times ([Report.Options]). Locks of a FUSE file system that does not care for them are kept by
// the kernel of this host alone, which looks the same as locks for all. Nothing shows what would survive a power cut:
// [Report.Sync] says only that fsync(2) succeeds.
//
// Only Linux names what is mounted; macOS, FreeBSD and DragonFly name the type. On other systems everything counts as
// local.
//
// # Design
//
// A file system may not answer, so what is tried runs in a goroutine of its own, in a place of its mount (package mounts),
// and is given up after Options.Patience. It makes hidden files with names of package partial, which no client sees, and
// removes them. After a kill the sweep of uploads removes them.
package fsprobe
