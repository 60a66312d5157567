package metrics_test

import (
	"fmt"
	"log"
	"net"

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
