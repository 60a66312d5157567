package metrics

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

// A psutilSnapshot is the JSON that testdata/psutil_snapshot.py prints.
type psutilSnapshot struct {
	Process struct {
		Name, State, Username, Exe, Cwd, Terminal string
		Parent, Threads, FDs                      int
		Started                                   float64
		CPU                                       []float64
		RSS, VMS, Shared, Text, Data, USS, PSS    uint64
		Swap                                      uint64
		IO, Switches, Nofile                      []int64
		UIDs, GIDs                                []uint32
		Children                                  []int
		Args                                      []string
		Environ                                   map[string]string
		Files                                     [][]any
		Nice                                      int
		IONice, Affinity                          []int
		Maps                                      [][]any
	}
	Memory struct{ Total, Available uint64 }
	Swap   struct{ Total, Used, Free, In, Out uint64 }
	CPUs   struct{ Logical, Physical int }
	Boot   float64
	Disks  map[string][]uint64
	NICs   map[string][]uint64
	Addrs  map[string][][]string
	MTU    map[string]int

	CPU     [][]float64
	Percent []float64
	Users   [][]any

	Connections, Unix [][]any

	Gone, Alive []int
}

// psutil returns a Python interpreter that has the module psutil.
func psutil(t testing.TB) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} { // Debian's python3-psutil is for the first, which may be hidden by another in PATH
		if exec.Command(python, "-c", "import psutil").Run() == nil {
			return python
		}
	}
	nettest.Missing(t, "psutil", "python3-psutil")
	return ""
}

// runPsutil returns what psutil reports about "process", "host" or "connections".
func runPsutil(t *testing.T, what string, pid int) (s psutilSnapshot) {
	t.Helper()
	return runPsutilWith(t, what, strconv.Itoa(pid))
}

// runPsutilWith is runPsutil with any arguments.
func runPsutilWith(t *testing.T, args ...string) (s psutilSnapshot) {
	t.Helper()
	out, err := exec.Command(psutil(t), append([]string{"testdata/psutil_snapshot.py"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadAgreesWithPsutil(t *testing.T) {
	psutil(t)
	nettest.CheckLeaks(t)
	name := filepath.Join(nettest.TempDir(t), "open")
	if err := os.WriteFile(name, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// sleep has one thread and does nothing.
	cmd := exec.Command("sleep", "600")
	cmd.ExtraFiles = []*os.File{f}
	cmd.Env = []string{"SLUICE=a b", "EMPTY="}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	p := open(t, cmd.Process.Pid)
	setScheduling(t, cmd.Process.Pid)
	var before, s Snapshot
	for before = snap(t, p, All); before.State != Sleeping || before.Name != "sleep" || s.Switches != before.Switches; before = snap(t, p, All) {
		s = before // until the process sleeps, and no context switch happened between two reads
	}
	theirs := runPsutil(t, "process", cmd.Process.Pid).Process
	after := snap(t, p, All)

	for _, tt := range []struct {
		name         string
		ours, theirs any
	}{
		{"name", after.Name, theirs.Name},
		{"state", after.State.String(), theirs.State},
		{"parent", after.Parent, theirs.Parent},
		{"threads", after.Threads, theirs.Threads},
		{"descriptors", after.FDs, theirs.FDs},
		{"rss", after.Memory.RSS, theirs.RSS},
		{"vms", after.Memory.VMS, theirs.VMS},
		{"shared", after.Memory.Shared, theirs.Shared},
		{"text", after.Memory.Text, theirs.Text},
		{"data", after.Memory.Data, theirs.Data},
		{"swap", after.Footprint.Swap, theirs.Swap},
		{"read calls", int64(after.IO.ReadOps), theirs.IO[0]},
		{"write calls", int64(after.IO.WriteOps), theirs.IO[1]},
		{"read", int64(after.IO.ReadChars), theirs.IO[2]},
		{"written", int64(after.IO.WriteChars), theirs.IO[3]},
		{"read from a disk", int64(after.IO.ReadBytes), theirs.IO[4]},
		{"written to a disk", int64(after.IO.WriteBytes), theirs.IO[5]},
		{"voluntary switches", int64(after.Switches.Voluntary), theirs.Switches[0]},
		{"involuntary switches", int64(after.Switches.Involuntary), theirs.Switches[1]},
		{"real user", after.Owner.UID, theirs.UIDs[0]},
		{"effective user", after.Owner.EUID, theirs.UIDs[1]},
		{"saved group", after.Owner.SavedGID, theirs.GIDs[2]},
		{"program", after.Identity.Exe, theirs.Exe},
		{"arguments", strings.Join(after.Identity.Args, "|"), strings.Join(theirs.Args, "|")},
		{"directory", after.Identity.Cwd, theirs.Cwd},
		{"terminal", after.Identity.Terminal, theirs.Terminal},
		{"user time", after.CPU.User.Seconds(), theirs.CPU[0]},
		{"system time", after.CPU.System.Seconds(), theirs.CPU[1]},
		{"children's time", after.CPU.ChildUser.Seconds(), theirs.CPU[2]},
		{"nice value", after.Nice, theirs.Nice},
	} {
		if tt.ours != tt.theirs {
			t.Errorf("%s: got %v, psutil says %v", tt.name, tt.ours, tt.theirs)
		}
	}
	// These depend on other processes that map the same libraries, such as Python.
	for _, tt := range []struct {
		name                  string
		before, after, theirs uint64
	}{
		{"uss", before.Footprint.USS, after.Footprint.USS, theirs.USS},
		{"pss", before.Footprint.PSS, after.Footprint.PSS, theirs.PSS},
	} {
		if tt.theirs < min(tt.before, tt.after)/2 || tt.theirs > 2*max(tt.before, tt.after) {
			t.Errorf("%s: got %d and %d, psutil says %d", tt.name, tt.before, tt.after, tt.theirs)
		}
	}
	if started := float64(after.Started.UnixMicro()) / 1e6; math.Abs(started-theirs.Started) > 1.1 { // psutil adds to a boot time in seconds
		t.Errorf("started: got %f, psutil says %f", started, theirs.Started)
	}
	if u, err := after.Owner.Username(); err != nil || u != theirs.Username {
		t.Errorf("user: got %q and %v, psutil says %q", u, err, theirs.Username)
	}
	env, err := p.Environ()
	if err != nil || len(env) != len(theirs.Environ) || theirs.Environ["SLUICE"] != "a b" || !slices.Equal(env, cmd.Env) {
		t.Errorf("environment: got %q and %v, psutil says %q", env, err, theirs.Environ)
	}
	files, err := p.OpenFiles()
	if err != nil || len(files) != 1 || len(theirs.Files) != 1 {
		t.Fatalf("files: got %+v and %v, psutil says %v", files, err, theirs.Files)
	}
	if got, want := files[0], theirs.Files[0]; got.Path != name || float64(got.FD) != want[0] || got.Path != want[1] ||
		float64(got.Position) != want[2] || float64(got.Flags) != want[3] {
		t.Errorf("file: got %+v, psutil says %v", got, want)
	}
	limits, err := p.Limits()
	if l := limits[LimitOpenFiles]; err != nil || l != (ResourceLimit{uint64(theirs.Nofile[0]), uint64(theirs.Nofile[1])}) {
		t.Errorf("limit of open files: got %+v and %v, psutil says %v", l, err, theirs.Nofile)
	}
	if got, err := p.IOPriority(); err != nil || !slices.Equal([]int{int(got.Class), got.Level}, theirs.IONice) || got.Class != IOIdle {
		t.Errorf("I/O priority: got %v and %v, psutil says %v", got, err, theirs.IONice)
	}
	if got, err := p.Affinity(); err != nil || !slices.Equal(got, theirs.Affinity) || len(got) != 1 {
		t.Errorf("affinity: got %v and %v, psutil says %v", got, err, theirs.Affinity)
	}
	agreesAboutMaps(t, p, theirs.Maps)
	parent := Self()
	defer parent.Close()
	children, err := parent.Children()
	var pids []int
	for _, c := range children {
		if slices.Contains(theirs.Children, c.PID) {
			pids = append(pids, c.PID)
		}
	}
	if err != nil || !slices.Contains(pids, cmd.Process.Pid) {
		t.Errorf("children: got %v and %v, psutil says %v", children, err, theirs.Children)
	}
}

// setScheduling gives a process values that few have: it is nice, uses the disk only
// when nobody else does, and has one processor.
func setScheduling(t *testing.T, pid int) {
	t.Helper()
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &cpus); err != nil {
		t.Fatal(err)
	}
	last := 0
	for n := range 1024 {
		if cpus.IsSet(n) {
			last = n
		}
	}
	cpus.Zero()
	cpus.Set(last)
	const process, idle = 1, uintptr(IOIdle) << 13
	_, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, process, uintptr(pid), idle)
	for _, err := range []error{unix.SchedSetaffinity(pid, &cpus), unix.Setpriority(unix.PRIO_PROCESS, pid, 7)} {
		if err != nil || errno != 0 {
			t.Fatal(err, errno)
		}
	}
}

// agreesAboutMaps compares the mappings, except for figures that depend on other
// processes that map the same files.
func agreesAboutMaps(t *testing.T, p *Process, theirs [][]any) {
	t.Helper()
	maps, err := p.MemoryMaps()
	if err != nil || len(maps) != len(theirs) || len(maps) == 0 {
		t.Fatalf("mappings: got %d and %v, psutil has %d", len(maps), err, len(theirs))
	}
	for i, m := range maps {
		path := m.Path
		if path == "" {
			path = "[anon]"
		}
		want := theirs[i]
		address := fmt.Sprintf("%08x-%08x", m.Start, m.End)
		if address != want[0] || m.Access != want[1] || path != want[2] || float64(m.End-m.Start) != want[3] ||
			float64(m.RSS) != want[4] || float64(m.Anonymous) != want[11] || float64(m.Swap) != want[12] {
			t.Errorf("mapping: got %+v, psutil says %v", m, want)
		}
		if sum := m.SharedClean + m.SharedDirty + m.PrivateClean + m.PrivateDirty; sum != m.RSS || m.PSS > m.RSS || m.Referenced > m.RSS {
			t.Errorf("mapping: got %+v, want a sum of %d", m, m.RSS)
		}
		if theirSum := want[6].(float64) + want[7].(float64) + want[8].(float64) + want[9].(float64); theirSum != float64(m.RSS) {
			t.Errorf("mapping: psutil says %v, want a sum of %d", want, m.RSS)
		}
	}
}

func TestHostAgreesWithPsutil(t *testing.T) {
	psutil(t)
	var h Host
	type host struct {
		memory HostMemory
		swap   HostSwap
		disks  []DiskIO
		nics   []Interface
		cpu    HostCPU
	}
	read := func() (a host) {
		t.Helper()
		var errs [5]error
		a.cpu, errs[4] = h.CPU()
		a.memory, errs[0] = h.Memory()
		a.swap, errs[1] = h.Swap()
		a.disks, errs[2] = h.Disks()
		a.nics, errs[3] = h.Interfaces()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		return a
	}
	before := read()
	theirs := runPsutil(t, "host", os.Getpid())
	after := read()

	if after.memory.Total != theirs.Memory.Total {
		t.Errorf("memory: got %d, psutil says %d", after.memory.Total, theirs.Memory.Total)
	}
	slack := after.memory.Total / 10 // other processes use memory meanwhile
	if low, high := min(before.memory.Available, after.memory.Available), max(before.memory.Available, after.memory.Available); theirs.Memory.Available+slack < low || theirs.Memory.Available > high+slack {
		t.Errorf("available: got from %d to %d, psutil says %d", low, high, theirs.Memory.Available)
	}
	if after.swap.Total != theirs.Swap.Total || theirs.Swap.Used > max(before.swap.Used, after.swap.Used) ||
		theirs.Swap.In < before.swap.In || theirs.Swap.In > after.swap.In || !after.swap.HaveMoved {
		t.Errorf("swap: got %+v and then %+v, psutil says %+v", before.swap, after.swap, theirs.Swap)
	}
	cpus, err := h.CPUs()
	if err != nil || cpus.Logical != theirs.CPUs.Logical || cpus.Physical != theirs.CPUs.Physical {
		t.Errorf("processors: got %+v and %v, psutil says %+v", cpus, err, theirs.CPUs)
	}
	boot, err := h.BootTime()
	if d := boot.Sub(time.Unix(int64(theirs.Boot), 0)).Abs(); err != nil || d > 1100*time.Millisecond {
		t.Errorf("boot: got %v and %v, psutil says %v", boot, err, theirs.Boot)
	}
	// psutil's counters must lie between the two of this package.
	between := func(name string, low, high []uint64, got []uint64) {
		for i := range got {
			if got[i] < low[i] || got[i] > high[i] {
				t.Errorf("%s: psutil says %v, which is not from %v to %v", name, got, low, high)
			}
		}
	}
	diskCounts := func(all []DiskIO, name string) []uint64 {
		i := slices.IndexFunc(all, func(d DiskIO) bool { return d.Name == name })
		if i < 0 {
			t.Fatalf("no disk %s in %+v", name, all)
		}
		d := all[i]
		return []uint64{d.Reads, d.Writes, d.ReadBytes, d.WriteBytes, uint64(d.Busy / time.Millisecond), d.ReadMerged, d.WriteMerged}
	}
	for name, counts := range theirs.Disks {
		between(name, diskCounts(before.disks, name), diskCounts(after.disks, name), counts)
	}
	uses := func(c HostCPU) []CPUUse { return append([]CPUUse{c.Total}, c.Each...) }
	low, high := uses(before.cpu), uses(after.cpu)
	if len(low) != len(theirs.CPU) || len(high) != len(low) {
		t.Fatalf("processors: got %d and %d, psutil says %d", len(low), len(high), len(theirs.CPU))
	}
	for i, u := range low {
		if u.Number != i-1 || u.Have != ^CPUUseFields(0)>>1 {
			t.Errorf("processor %d: got %+v, want all parts", i-1, u)
		}
		for part, seconds := range theirs.CPU[i] {
			from, to := u.parts()[part].Seconds(), high[i].parts()[part].Seconds()
			if seconds < min(from, to)-0.001 || seconds > max(from, to)+0.001 { // the kernel may correct IOWait to less
				t.Errorf("processor %d, part %d: psutil says %f, which is not from %f to %f", i-1, part, seconds, from, to)
			}
		}
	}
	nicOf := func(all []Interface, name string) Interface {
		i := slices.IndexFunc(all, func(n Interface) bool { return n.Name == name })
		if i < 0 {
			t.Fatalf("no interface %s in %+v", name, all)
		}
		return all[i]
	}
	counts := func(n Interface) []uint64 {
		return []uint64{n.SentBytes, n.RecvBytes, n.SentPackets, n.RecvPackets}
	}
	for name, c := range theirs.NICs {
		now := nicOf(after.nics, name)
		between(name, counts(nicOf(before.nics, name)), counts(now), c)
		if !now.HaveIO || now.MTU != theirs.MTU[name] {
			t.Errorf("%s: got MTU %d, psutil says %d", name, now.MTU, theirs.MTU[name])
		}
		for _, a := range theirs.Addrs[name] {
			address, _, _ := strings.Cut(a[0], "%")
			if !slices.ContainsFunc(now.Addrs, func(p netip.Prefix) bool { return p.Addr().String() == address && netmask(p) == a[1] }) {
				t.Errorf("%s: got %v, psutil says %v too", name, now.Addrs, a)
			}
		}
	}
}

// netmask returns the mask of a prefix as psutil writes it.
func netmask(p netip.Prefix) string {
	ones := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	if p.Addr().Is6() {
		ones = netip.AddrFrom16([16]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})
	}
	m, err := ones.Prefix(p.Bits())
	if err != nil {
		return err.Error()
	}
	return m.Addr().String()
}

// pair identifies a socket by its addresses and state.
type pair struct {
	local, remote netip.AddrPort
	state         string
}

func TestConnectionsAgreeWithPsutil(t *testing.T) {
	psutil(t)
	nettest.CheckLeaks(t)
	listen(t)
	nettest.Pair(t)
	bound, connected := udpSockets(t)
	ours := func() map[pair]int {
		all := make(map[pair]int)
		for _, protocol := range []Protocol{ProtocolTCP, ProtocolUDP} {
			for _, c := range rows(t, Filter{Protocol: protocol, Owner: true}) {
				if c.Remote.Port() == 0 {
					c.Remote = netip.AddrPort{}
				}
				state := c.State.String()
				if protocol == ProtocolUDP {
					state = "NONE" // as psutil says of any
				}
				all[pair{c.Local, c.Remote, state}] = c.PID
			}
		}
		return all
	}
	before := ours()
	theirs := make(map[pair]int)
	for _, c := range runPsutil(t, "connections", os.Getpid()).Connections {
		state := c[4].(string)
		theirs[pair{parseAddrPort(t, c[0], c[1]), parseAddrPort(t, c[2], c[3]), state}] = int(c[5].(float64))
	}
	after := ours()
	for _, c := range []*net.UDPConn{bound, connected} {
		p := pair{local: addrPort(c.LocalAddr()), state: "NONE"}
		if c.RemoteAddr() != nil {
			p.remote = addrPort(c.RemoteAddr())
		}
		if before[p] != os.Getpid() || theirs[p] != os.Getpid() {
			t.Errorf("%v: got process %d, psutil says %d, want this one", p, before[p], theirs[p])
		}
	}
	own := 0
	for p, pid := range before {
		if now, still := after[p]; !still || now != pid { // opened or closed meanwhile
			continue
		}
		if pid == os.Getpid() {
			own++
		}
		if got, ok := theirs[p]; !ok || got != pid {
			t.Errorf("%v of process %d: psutil says %v of %d", p, pid, ok, got)
		}
	}
	if own < 3 {
		t.Errorf("got %d sockets of this process, want 3", own)
	}
	for p, pid := range theirs {
		_, was := before[p]
		_, is := after[p]
		if pid == os.Getpid() && !was && !is {
			t.Errorf("psutil has %v, which Connections lacks", p)
		}
	}
}

func TestUnixSocketsAgreeWithPsutil(t *testing.T) {
	psutil(t)
	nettest.CheckLeaks(t)
	name := filepath.Join(nettest.TempDir(t), "s")
	for network, address := range map[string]string{"unix": name, "unixpacket": fmt.Sprintf("@sluice-test-%d\x00x", os.Getpid())} {
		ln, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		c, err := net.Dial(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	type key struct {
		path string
		kind int
	}
	ours, theirs := make(map[key]int), make(map[key]int)
	for s, err := range (Host{}).UnixSockets(UnixFilter{PID: os.Getpid()}) {
		if err != nil {
			t.Fatal(err)
		}
		ours[key{s.Path, int(s.Type)}]++
	}
	for _, s := range runPsutil(t, "connections", os.Getpid()).Unix {
		if s[2] == float64(os.Getpid()) {
			theirs[key{s[0].(string), int(s[1].(float64))}]++
		}
	}
	if !maps.Equal(ours, theirs) || ours[key{name, int(UnixStream)}] != 1 {
		t.Errorf("got %v, psutil says %v", ours, theirs)
	}
}

func TestPercentOfProcessorsAgreesWithPsutil(t *testing.T) {
	psutil(t)
	var h [2]Host
	for i, stat := range []string{
		"cpu  100 20 300 4000 50 6 7 8 9 10\ncpu0 100 20 300 4000 50 6 7 8 9 10\nintr 1 2\n",
		"cpu  223 31 355 4111 47 9 17 38 12 11\ncpu0 223 31 355 4111 47 9 17 38 12 11\nintr 1 2\n", // 50 to 47: corrected
	} {
		h[i].Proc = nettest.TempDir(t)
		if err := os.WriteFile(filepath.Join(h[i].Proc, "stat"), []byte(stat), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	theirs := runPsutilWith(t, "percent", h[0].Proc, h[1].Proc).Percent
	before, err := h[0].CPU()
	if err != nil {
		t.Fatal(err)
	}
	after, err := h[1].CPU()
	if err != nil {
		t.Fatal(err)
	}
	use := after.Total.Sub(before.Total)
	ours := []float64{use.Percent(use.Busy())}
	for _, part := range use.parts() {
		ours = append(ours, use.Percent(*part))
	}
	if len(ours) != len(theirs) {
		t.Fatalf("got %v, psutil says %v", ours, theirs)
	}
	for i := range ours {
		if math.Abs(ours[i]-theirs[i]) > 0.051 { // psutil rounds
			t.Errorf("part %d: got %f, psutil says %f", i, ours[i], theirs[i])
		}
	}
}

func TestUsersAgreeWithPsutil(t *testing.T) {
	psutil(t)
	if size := utmpLayoutHere(); size != utmpLayouts[0].size {
		t.Skip("the C library has another layout here")
	}
	h := hostWithUtmp(t, utmpLayouts[0])
	theirs := runPsutilWith(t, "users", filepath.Join(h.Proc, "1/root/run/utmp")).Users
	ours, err := h.Users()
	if err != nil || len(ours) != len(theirs) || len(ours) != 3 {
		t.Fatalf("got %v and %v, psutil says %v", ours, err, theirs)
	}
	for i, u := range ours {
		host := u.Host
		if strings.HasPrefix(host, ":") { // psutil calls an X display so
			host = "localhost"
		}
		want := theirs[i]
		if u.Name != want[0] || u.Terminal != want[1] || host != want[2] || float32(u.Since.Unix()) != float32(want[3].(float64)) || float64(u.PID) != want[4] {
			t.Errorf("got %+v, psutil says %v", u, want)
		}
	}
}

func TestWaitAllAgreesWithPsutil(t *testing.T) {
	nettest.CheckLeaks(t)
	first, second := start(t, "idle"), start(t, "idle")
	pids := []int{first.Process.Pid, second.Process.Pid}
	processes := []*Process{open(t, pids[0]), open(t, pids[1])}
	cmd := exec.Command(psutil(t), "testdata/psutil_snapshot.py", "wait", strconv.Itoa(pids[0]), strconv.Itoa(pids[1]))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close(); _ = cmd.Wait() }()
	theirs := bufio.NewReader(stdout)
	if line, err := theirs.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("got %q and %v, want ready", line, err)
	}
	_ = first.Process.Kill()
	_ = first.Wait() // psutil counts a zombie as running
	if _, err := stdin.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	var want psutilSnapshot
	if err := json.NewDecoder(theirs).Decode(&want); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var gone []int
	running, err := WaitAll(ctx, processes, func(p *Process) { gone = append(gone, p.ID().PID); cancel() })
	if err != nil || !slices.Equal(gone, want.Gone) || len(running) != 1 || !slices.Equal([]int{running[0].ID().PID}, want.Alive) {
		t.Errorf("got %v ended, %v running and %v, psutil says %v and %v", gone, running, err, want.Gone, want.Alive)
	}
}

// parseAddrPort converts an address and a port from psutil's JSON.
func parseAddrPort(t *testing.T, ip, port any) netip.AddrPort {
	t.Helper()
	if ip == "" {
		return netip.AddrPort{}
	}
	a, err := netip.ParseAddr(ip.(string))
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(a, uint16(port.(float64)))
}
