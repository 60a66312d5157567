package metrics_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"sluice/metrics"
)

func ExampleSelf() {
	self := metrics.Self()
	defer self.Close()
	var before, now metrics.Snapshot
	if err := self.Read(&before, metrics.Basic); err != nil {
		log.Fatal(err)
	}
	// ... some time later
	if err := self.Read(&now, metrics.Basic); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.0f %% of a processor\n", metrics.CPUPercent(&before, &now))
	if now.Have.Has(metrics.FieldMemory) {
		fmt.Printf("%d MiB\n", now.Memory.RSS>>20)
	}
}

func ExampleLimit() {
	conn, err := net.Dial("tcp", "192.0.2.1:80")
	if err != nil {
		log.Fatal(err)
	}
	socket, err := metrics.NewSocket(conn.(*net.TCPConn))
	if err != nil {
		log.Fatal(err)
	}
	var a, b metrics.TCP
	if err := socket.Sample(&a); err != nil {
		log.Fatal(err)
	}
	// ... send for a while
	if err := socket.Sample(&b); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes have arrived, held back by %v\n", b.Acked-a.Acked, metrics.Limit(&a, &b))
}

func ExampleHost_Connections() {
	// The clients connected to port 8080, and their round-trip times.
	connected := metrics.Filter{LocalPort: 8080, States: metrics.States(metrics.Established), TCP: true}
	for c, err := range (metrics.Host{}).Connections(connected) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c.Remote, c.TCP.RTT)
	}
}

func ExampleHost_CPU() {
	before, err := metrics.Host{}.CPU()
	if err != nil {
		log.Fatal(err)
	}
	time.Sleep(time.Second)
	after, err := metrics.Host{}.CPU()
	if err != nil {
		log.Fatal(err)
	}
	use := after.Total.Sub(before.Total)
	log.Printf("busy %.1f%%, waiting for disks %.1f%%", use.Percent(use.Busy()), use.Percent(use.IOWait))
}

func ExampleWaitAll() {
	self := metrics.Self()
	defer self.Close()
	var children []*metrics.Process
	ids, err := self.Children()
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range ids {
		if p, err := (metrics.Host{}).Open(id.PID); err == nil && p.ID() == id { // or it has ended
			defer p.Close()
			children = append(children, p)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	running, err := metrics.WaitAll(ctx, children, nil)
	log.Printf("%d of %d still run, %v", len(running), len(children), err)
}
