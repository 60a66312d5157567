// Package nettest has helpers for the tests of this module: pairs of connections,
// peers that stall, send slowly or reset, content that differs at every offset,
// and a check for leaked goroutines and descriptors.
//
//	func TestSend(t *testing.T) {
//		nettest.CheckLeaks(t)
//		server, client := nettest.Pair(t)
//		f := nettest.PatternFile(t, 1<<20)
//		got := nettest.Sum(t, client)
//		if _, err := sendfile.Send(t.Context(), server, f, 100, 1000, nil); err != nil {
//			t.Fatal(err)
//		}
//		server.CloseWrite()
//		if g := <-got; g.SHA256 != nettest.PatternSum(100, 1000) {
//			t.Errorf("got %d bytes, not those at 100", g.N)
//		}
//	}
//
// Only _test files may import it; house_test.go checks that.
package nettest
