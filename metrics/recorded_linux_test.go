package metrics

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// The archives of other kernels were made by testdata/record.

// recordedTree returns a host with the proc and sys of an archive.
func recordedTree(t *testing.T, name string) Host {
	t.Helper()
	dir := nettest.TempDir(t)
	eachRecorded(t, name, func(h *tar.Header, content io.Reader) error {
		to := filepath.Join(dir, h.Name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			return os.MkdirAll(to, 0o700)
		case tar.TypeSymlink:
			return os.Symlink(h.Linkname, to)
		}
		b, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o600)
	})
	return Host{Proc: filepath.Join(dir, "proc"), Sys: filepath.Join(dir, "sys")}
}

// recorded returns one file of an archive.
func recorded(t *testing.T, archive, name string) (b []byte) {
	t.Helper()
	eachRecorded(t, archive, func(h *tar.Header, content io.Reader) (err error) {
		if h.Name == name {
			b, err = io.ReadAll(content)
		}
		return err
	})
	if b == nil {
		t.Fatalf("%s has no %s", archive, name)
	}
	return b
}

// eachRecorded calls each with the files of an archive in testdata.
func eachRecorded(t *testing.T, name string, each func(h *tar.Header, content io.Reader) error) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(unzipped); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := each(h, archive); err != nil {
			t.Fatal(err)
		}
	}
}

var recordedKernels = []struct {
	archive string
	tcpInfo int // bytes
}{
	{"linux-5.10-amd64", 232},
	{"linux-6.1-arm64", 232},
	{"linux-6.12-amd64", 248},
	{"linux-7.2-amd64", 280},
}

// recordedRoles are the processes in each archive, by their first argument.
var recordedRoles = []struct {
	role, name string
	state      State
	threads    int // at least
	uid, gid   uint32
}{
	{"/bin/idle", "idle", Sleeping, 2, 0, 0},
	{"/bin/hostile", ") R 1 (", Sleeping, 2, 0, 0},
	{"/bin/newline", "a\n\xff b", Sleeping, 2, 0, 0},
	{"/bin/threads", "threads", Sleeping, 8, 0, 0},
	{"/bin/deleted", "deleted", Sleeping, 2, 0, 0},
	{"/bin/stranger", "stranger", Sleeping, 2, 1000, 4_000_000_000},
}

func TestRecordedKernels(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, kernel := range recordedKernels {
		t.Run(kernel.archive, func(t *testing.T) {
			h := recordedTree(t, kernel.archive)
			t.Run("processes", func(t *testing.T) { checkRecordedProcesses(t, h) })
			t.Run("host", func(t *testing.T) { checkRecordedHost(t, h) })
			t.Run("sockets", func(t *testing.T) { checkRecordedSockets(t, kernel.archive, kernel.tcpInfo) })
		})
	}
}

// checkRecordedProcesses checks the processes of recordedRoles, and also a zombie, a
// kernel thread and init.
func checkRecordedProcesses(t *testing.T, h Host) {
	all := make(map[string]Snapshot) // by role
	for p, err := range h.Processes() {
		if err != nil {
			t.Fatal(err)
		}
		s := snap(t, p, All)
		agreesWithStatus(t, h, s)
		role := s.Name // for a zombie or a kernel thread, which have no arguments
		if len(s.Identity.Args) > 0 {
			role = s.Identity.Args[0]
		}
		all[role] = s
	}
	if len(all) != len(recordedRoles)+3 {
		t.Errorf("got %d processes, want %d", len(all), len(recordedRoles)+3)
	}
	for _, want := range recordedRoles {
		got := all[want.role]
		if got.Have != All || got.Name != want.name || got.State != want.state || got.Threads < want.threads {
			t.Errorf("%s: got %+v, want name %q, %v, %d threads or more and all fields", want.role, got, want.name, want.state, want.threads)
		}
		if got.Owner.EUID != want.uid || got.Owner.GID != want.gid {
			t.Errorf("%s: got %+v, want user %d of group %d", want.role, got.Owner, want.uid, want.gid)
		}
		if got.FDs < 3 || got.Memory.RSS < 1<<20 || got.Footprint.PSS < got.Footprint.USS || got.Switches.Voluntary == 0 {
			t.Errorf("%s: got %+v, want plausible values", want.role, got)
		}
	}
	if got := all["/bin/deleted"].Identity.Exe; got != "/tmp/deleted (deleted)" {
		t.Errorf("deleted: got %q", got)
	}
	if got := all["/bin/idle"].Identity; got.Exe != "/init" || got.Cwd != "/tmp" || len(got.Args) != 3 || got.Args[1] != "one argument" || got.Args[2] != "" {
		t.Errorf("idle: got %q", got)
	}
	if got := all["true"]; got.State != Zombie || got.FDs != 0 || got.Memory.RSS != 0 || got.Have.Has(FieldFootprint) || !got.Have.Has(Basic) {
		t.Errorf("a zombie: got %+v", got)
	}
	if got := all["kthreadd"]; got.Parent != 0 || got.Threads != 1 || got.Memory.VMS != 0 || got.Identity.Exe != "" || got.Have.Has(FieldFootprint) || !got.Have.Has(Basic) {
		t.Errorf("a thread of the kernel: got %+v", got)
	}
}

// recordedPage is the size of a page on the recorded machines. The package
// multiplies the pages in an archive by the page size of this machine.
const recordedPage = 4096

// agreesWithStatus compares a snapshot with /proc/PID/status of the same process.
func agreesWithStatus(t *testing.T, h Host, s Snapshot) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(h.Proc, strconv.Itoa(s.ID.PID), "status"))
	if err != nil {
		t.Fatal(err)
	}
	status := make(map[string]string)
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		status[key] = strings.TrimSpace(value)
	}
	name := strings.NewReplacer("\n", `\n`, `\`, `\\`).Replace(s.Name)
	if status["Name"] != strings.TrimSpace(name) {
		t.Errorf("%d: got name %q, want %q", s.ID.PID, name, status["Name"])
	}
	for key, got := range map[string]uint64{"Pid": uint64(s.ID.PID), "PPid": uint64(s.Parent), "Threads": uint64(s.Threads), "VmSize": s.Memory.VMS / pageSize * recordedPage >> 10} {
		want, _, _ := strings.Cut(status[key], " ")
		if want == "" { // kernel threads and zombies have no VmSize
			want = "0"
		}
		if strconv.FormatUint(got, 10) != want {
			t.Errorf("%s, %s: got %d, want %s", status["Name"], key, got, want)
		}
	}
}

func checkRecordedHost(t *testing.T, h Host) {
	const machine, cgroup = 1536 << 20, 256 << 20
	m, err := h.Memory()
	const have = HostBuffers | HostCached | HostShared | HostSlab | HostDirty | HostLimit
	if err != nil || m.Have != have || m.Total > machine || m.Total < machine*9/10 || m.Available > m.Total || m.Available < m.Total/2 ||
		m.Limit != cgroup || m.LimitUsed == 0 || m.LimitUsed > cgroup {
		t.Errorf("got memory %+v and %v", m, err)
	}
	if got, err := h.CPUs(); err != nil || got.Logical != 2 || got.Physical != 2 || got.Quota != 0.5 {
		t.Errorf("got processors %+v and %v", got, err)
	}
	if got, err := h.Swap(); err != nil || got != (HostSwap{HaveMoved: true}) {
		t.Errorf("got swap %+v and %v", got, err)
	}
	if got, err := h.netIO(); err != nil || got["lo"].SentBytes < 54_321 || got["lo"].SentBytes != got["lo"].RecvBytes {
		t.Errorf("got %+v and %v of the loopback interface", got["lo"], err)
	}
}

// checkRecordedSockets checks the sockets that testdata/record makes: a full listener on
// port 8081, and a connection on port 8080 that has carried 54,321 bytes.
func checkRecordedSockets(t *testing.T, archive string, tcpInfoLen int) {
	if appLimitedBit != 1 {
		t.Skip("the recorded machines are little endian")
	}
	var all []Connection
	var buf diagBuffer
	last, err := eachMessage(recorded(t, archive, "sock_diag"), 1, func(payload []byte) bool {
		var c Connection
		if _, ok := parseDiag(payload, ProtocolTCP, &c, &buf); !ok {
			t.Errorf("%x: malformed", payload)
		}
		all = append(all, c)
		return true
	})
	if !last || err != nil {
		t.Errorf("got %v and %v, want the end", last, err)
	}
	any4 := netip.MustParseAddrPort("0.0.0.0:0")
	full, ok := find(t, all, netip.MustParseAddrPort("127.0.0.1:8081"), any4)
	if !ok || full.State != Listen || full.RecvQueue != 3 || full.SendQueue != 2 || full.Drops < 3 || full.Have != ConnectionUID|ConnectionInode|ConnectionCookie|ConnectionQueues|ConnectionDrops {
		t.Errorf("a full listener: got %+v, want 3 of 2 waiting, and drops", full)
	}
	var server Connection
	for _, c := range all {
		if c.Local.Port() == 8080 && c.State == Established {
			server = c
		}
	}
	if !server.Have.Has(ConnectionTCP|ConnectionUID|ConnectionInode) || server.Have.Has(ConnectionDrops) {
		t.Fatalf("the server's end: got %+v, want its TCP and no drops", server)
	}
	raw := recorded(t, archive, "tcp_info")
	if len(raw) != tcpInfoLen {
		t.Errorf("TCP_INFO: got %d bytes, want %d", len(raw), tcpInfoLen)
	}
	n := buf.info.fill(raw)
	var st TCP
	buf.info.decode(&st, tcpFieldsIn(n))
	if st.Have != server.TCP.Have {
		t.Errorf("by getsockopt: got fields %#x, by sock_diag %#x", st.Have, server.TCP.Have)
	}
	if st.Acked != 54_321 || st.Sent != 54_321 || st.InFlight != 0 || st.RTT <= 0 || st.RTT > time.Minute || st.MSS < 1000 || st.Cwnd == 0 {
		t.Errorf("got %+v, want 54321 bytes", st)
	}
	const everywhere = TCPBusy | TCPRwndLimited | TCPSndbufLimited | TCPNotSent | TCPRTT | TCPMinRTT | TCPRTO | TCPCwnd | TCPMSS | TCPSendWindow | TCPAcked | TCPSent
	if !st.Have.Has(everywhere) {
		t.Errorf("got fields %#x, want at least %#x", st.Have, everywhere)
	}
	for field, since := range map[TCPFields]int{TCPRecvWindow: 240, TCPTimeouts: 248} {
		if got, want := st.Have.Has(field), tcpInfoLen >= since; got != want {
			t.Errorf("field %#x: got %v, want %v", field, got, want)
		}
	}
}

// pidOf returns the PID of the process with this name.
func pidOf(t *testing.T, h Host, name string) int {
	t.Helper()
	for p, err := range h.Processes() {
		if err != nil {
			t.Fatal(err)
		}
		if snap(t, p, FieldName).Name == name {
			return p.ID().PID
		}
	}
	t.Fatalf("no process named %q", name)
	return 0
}
