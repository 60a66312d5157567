package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// limitSelf puts this process into a cgroup with a limit of half a processor and
// 256 MiB of memory.
func limitSelf() error {
	cmdline, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	const root, group = "/sys/fs/cgroup", "/recorded"
	type setting struct{ file, value string }
	var settings []setting
	pid := fmt.Sprint(os.Getpid())
	if strings.Contains(string(cmdline), "cgroup1") {
		if err := unix.Mount("tmpfs", root, "tmpfs", 0, ""); err != nil {
			return err
		}
		for _, controller := range []string{"memory", "cpu"} {
			at := root + "/" + controller
			if err := os.Mkdir(at, 0o755); err != nil {
				return err
			}
			if err := unix.Mount("cgroup", at, "cgroup", 0, controller); err != nil {
				return err
			}
			if err := os.Mkdir(at+group, 0o755); err != nil {
				return err
			}
			settings = append(settings, setting{controller + group + "/cgroup.procs", pid})
		}
		settings = append(settings,
			setting{"memory" + group + "/memory.limit_in_bytes", "268435456"},
			setting{"cpu" + group + "/cpu.cfs_period_us", "100000"}, setting{"cpu" + group + "/cpu.cfs_quota_us", "50000"})
	} else {
		if err := unix.Mount("cgroup2", root, "cgroup2", 0, ""); err != nil {
			return err
		}
		if err := os.Mkdir(root+group, 0o755); err != nil {
			return err
		}
		settings = []setting{
			{"cgroup.subtree_control", "+memory +cpu"},
			{group + "/memory.max", "268435456"},
			{group + "/cpu.max", "50000 100000"},
			{group + "/cgroup.procs", pid},
		}
	}
	for _, s := range settings {
		if err := os.WriteFile(filepath.Join(root, s.file), []byte(s.value), 0); err != nil {
			return err
		}
	}
	return nil
}
