package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"

	pscpu "github.com/shirou/gopsutil/v4/cpu"
	psnet "github.com/shirou/gopsutil/v4/net"
	psprocess "github.com/shirou/gopsutil/v4/process"

	"sluice/internal/nettest"
)

// Each benchmark measures other libraries in the same run, because results differ
// between machines and times of day.

func BenchmarkSample(b *testing.B) {
	server, _ := nettest.Pair(b)
	s := newSocket(b, server)
	var st TCP
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Sample(&st); err != nil {
			b.Fatal(err)
		}
	}
}

// target starts a process with some threads and 100 descriptors, and returns its PID.
func target(b *testing.B) int {
	b.Helper()
	return start(b, "idle", func(c *exec.Cmd) {
		for range 100 {
			f, err := os.Open(os.DevNull)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = f.Close() })
			c.ExtraFiles = append(c.ExtraFiles, f)
		}
	}).Process.Pid
}

func BenchmarkProcess(b *testing.B) {
	pid := target(b)
	ours := func(p *Process, want Fields) func(b *testing.B) {
		return func(b *testing.B) {
			var s Snapshot
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Read(&s, want); err != nil || !s.Have.Has(want) {
					b.Fatal(s.Have, err)
				}
			}
		}
	}
	self := Self()
	b.Cleanup(func() { _ = self.Close() })
	other := open(b, pid)
	b.Run("self", ours(self, Basic))
	b.Run("other", ours(other, Basic))
	b.Run("other+switches", ours(other, Basic|FieldSwitches))
	b.Run("other+footprint", ours(other, Basic|FieldFootprint))
	b.Run("open+read", func(b *testing.B) {
		var s Snapshot
		b.ReportAllocs()
		for b.Loop() {
			p, err := Host{}.Open(pid)
			if err != nil {
				b.Fatal(err)
			}
			if err := p.Read(&s, Basic); err != nil {
				b.Fatal(err)
			}
			_ = p.Close()
		}
	})
	b.Run("gopsutil", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p, err := psprocess.NewProcess(int32(pid))
			if err != nil {
				b.Fatal(err)
			}
			readByGopsutil(p)
		}
	})
	b.Run("psutil", func(b *testing.B) { benchPsutil(b, "ns/process", "process", strconv.Itoa(pid)) })
}

// readByGopsutil reads the groups of Basic.
func readByGopsutil(p *psprocess.Process) {
	_, _ = p.Name()
	_, _ = p.Status()
	_, _ = p.Ppid()
	_, _ = p.CreateTime()
	_, _ = p.NumThreads()
	_, _ = p.Times()
	_, _ = p.MemoryInfo()
	_, _ = p.IOCounters()
	_, _ = p.NumFDs()
	_, _ = p.PageFaults()
}

// benchPsutil reports the time that psutil takes. The script measures it, so it does
// not include Python's start.
func benchPsutil(b *testing.B, unit string, args ...string) {
	b.Helper()
	python := psutil(b)
	var sum float64
	rounds := 0
	for b.Loop() {
		out, err := exec.Command(python, append([]string{"testdata/psutil_cost.py"}, args...)...).Output()
		if err != nil {
			b.Fatal(err)
		}
		seconds, err := strconv.ParseFloat(string(bytes.TrimSpace(out)), 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += seconds
		rounds++
	}
	b.ReportMetric(0, "ns/op") // hides the time with Python's start
	b.ReportMetric(sum/float64(rounds)*1e9, unit)
}

func BenchmarkAllProcesses(b *testing.B) {
	perProcess := func(b *testing.B, n int) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/process")
	}
	b.Run("ours", func(b *testing.B) {
		var s Snapshot
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			for p, err := range (Host{}).Processes() {
				if err != nil {
					b.Fatal(err)
				}
				_ = p.Read(&s, Basic)
				n++
			}
		}
		perProcess(b, n)
	})
	b.Run("gopsutil", func(b *testing.B) {
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			all, err := psprocess.Processes()
			if err != nil {
				b.Fatal(err)
			}
			for _, p := range all {
				readByGopsutil(p)
				n++
			}
		}
		perProcess(b, n)
	})
	b.Run("psutil", func(b *testing.B) { benchPsutil(b, "ns/process", "processes") })
}

func BenchmarkOtherReadings(b *testing.B) {
	pid := target(b)
	p := open(b, pid)
	run := func(name string, read func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("cpu/ours", func() error { _, err := Host{}.CPU(); return err })
	run("cpu/gopsutil", func() error {
		_, err1 := pscpu.Times(false)
		_, err2 := pscpu.Times(true)
		return errors.Join(err1, err2)
	})
	b.Run("cpu/psutil", func(b *testing.B) { benchPsutil(b, "ns/reading", "cpu") })
	run("tcp/ours", func() error { _, err := Host{}.TCP(); return err })
	run("maps/ours", func() error { _, err := p.MemoryMaps(); return err })
	run("maps/gopsutil", func() error {
		p, err := psprocess.NewProcess(int32(pid))
		if err == nil {
			_, err = p.MemoryMaps(false)
		}
		return err
	})
	b.Run("maps/psutil", func(b *testing.B) { benchPsutil(b, "ns/reading", "maps", strconv.Itoa(pid)) })
	run("unix/ours", func() (err error) {
		for _, e := range (Host{}).UnixSockets(UnixFilter{Owner: true}) {
			err = errors.Join(err, e)
		}
		return err
	})
	run("unix/gopsutil", func() error { _, err := psnet.Connections("unix"); return err })
	b.Run("unix/psutil", func(b *testing.B) { benchPsutil(b, "ns/list", "unix") })
	run("udp/ours", func() (err error) {
		for _, e := range (Host{}).Connections(Filter{Protocol: ProtocolUDP}) {
			err = errors.Join(err, e)
		}
		return err
	})
}

// BenchmarkConnections lists N sockets: both ends of N/2 connections.
func BenchmarkConnections(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("N=%d", n), func(b *testing.B) {
			port := connectMany(b, n/2)
			for _, tt := range []struct {
				name   string
				filter Filter
			}{
				{"plain", Filter{}},
				{"tcp", Filter{TCP: true}},
				{"tcp+port", Filter{TCP: true, LocalPort: port}},
				{"tcp+states", Filter{TCP: true, States: States(Established)}},
				{"listening", Filter{States: States(Listen)}},
				{"owner", Filter{Owner: true}},
			} {
				b.Run(tt.name, func(b *testing.B) {
					rows, rounds := 0, 0
					b.ReportAllocs()
					for b.Loop() {
						for _, err := range (Host{}).Connections(tt.filter) {
							if err != nil {
								b.Fatal(err)
							}
							rows++
						}
						rounds++
					}
					b.ReportMetric(float64(rows)/float64(rounds), "rows")
				})
			}
			b.Run("gopsutil", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := psnet.ConnectionsWithoutUids("tcp"); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("psutil", func(b *testing.B) { benchPsutil(b, "ns/list", "connections") })
		})
	}
}

// connectMany makes n connections and returns the port of their listener.
func connectMany(b *testing.B, n int) uint16 {
	b.Helper()
	ln := listen(b)
	for range n {
		client, err := net.DialTCP("tcp4", nil, ln.Addr().(*net.TCPAddr))
		if err != nil {
			b.Skip("too few descriptors:", err)
		}
		server, err := ln.AcceptTCP()
		if err != nil {
			b.Skip("too few descriptors:", err)
		}
		b.Cleanup(func() {
			_ = client.SetLinger(0) // leaves no socket in TIME_WAIT
			_ = client.Close()
			_ = server.Close()
		})
	}
	return addrPort(ln.Addr()).Port()
}
