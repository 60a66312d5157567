// Package nettest has what the network tests of this module share: connected
// pairs, peers that stall, trickle or reset, content that a wrong offset
// cannot imitate, and a check for what a test leaves behind.
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
// Only _test files import it; a guard at the top of the tree sees to that.
package nettest
