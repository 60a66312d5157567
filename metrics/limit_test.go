package metrics

import (
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	const have = TCPBusy | TCPRwndLimited | TCPSndbufLimited | TCPAppLimited | TCPNotSent
	const ms = time.Millisecond
	start := time.Now()
	// after returns two samples, a second apart, between which these times passed.
	after := func(busy, receiver, buffer time.Duration, change func(a, b *TCP)) (a, b TCP) {
		a = TCP{At: start, Have: have, Busy: 70 * ms, RwndLimited: 30 * ms, SndbufLimited: 20 * ms}
		b = TCP{
			At: start.Add(time.Second), Have: have, NotSent: 1,
			Busy: a.Busy + busy, RwndLimited: a.RwndLimited + receiver, SndbufLimited: a.SndbufLimited + buffer,
		}
		if change != nil {
			change(&a, &b)
		}
		return a, b
	}
	for _, tt := range []struct {
		name                   string
		busy, receiver, buffer time.Duration
		change                 func(a, b *TCP)
		want                   Cause
	}{
		{"nothing was sent", 0, 0, 0, nil, CauseApplication},
		{"the sender pauses most of the time", 300 * ms, 0, 0, nil, CauseApplication},
		{"the sender pauses as long as the path works", 500 * ms, 0, 0, nil, CauseApplication},
		{"the window is closed", 1000 * ms, 980 * ms, 0, nil, CauseReceiver},
		{"the window is closed most of the time", 900 * ms, 500 * ms, 100 * ms, nil, CauseReceiver},
		{"the buffer is too small", 990 * ms, 10 * ms, 700 * ms, nil, CauseSendBuffer},
		{"the path is full", 1000 * ms, 20 * ms, 100 * ms, nil, CausePath},
		{
			"small writes are always in flight", 1000 * ms, 0, 0,
			func(_, b *TCP) { b.AppLimited, b.NotSent = true, 0 }, CauseApplication,
		},
		{
			"the last small write is held back", 1000 * ms, 0, 0,
			func(_, b *TCP) { b.AppLimited, b.NotSent, b.MSS = true, 1447, 1448 }, CauseApplication,
		},
		{
			"small writes against a closed window", 1000 * ms, 900 * ms, 0,
			func(_, b *TCP) { b.AppLimited, b.NotSent = true, 0 }, CauseReceiver,
		},
		{
			"unsent data waits although AppLimited is set", 1000 * ms, 0, 0,
			func(_, b *TCP) { b.AppLimited, b.NotSent = true, 5000 }, CausePath,
		},
		{
			"a full buffer is always in flight", 1000 * ms, 0, 0,
			func(_, b *TCP) {
				b.AppLimited, b.NotSent, b.SendBufferFull = true, 0, true
				b.RTT, b.MinRTT = 21*ms, 20*ms
				b.Have |= TCPRTT | TCPMinRTT | TCPSendBufferFull
			},
			CauseSendBuffer,
		},
		{
			"a full buffer waits in the queues of the path", 1000 * ms, 0, 0,
			func(_, b *TCP) {
				b.AppLimited, b.NotSent, b.SendBufferFull = true, 0, true
				b.RTT, b.MinRTT = 61*ms, 20*ms
				b.Have |= TCPRTT | TCPMinRTT | TCPSendBufferFull
			},
			CausePath,
		},
		{
			"the time of the send buffer is absent", 1000 * ms, 200 * ms, 0,
			func(a, b *TCP) { a.Have, b.Have = TCPBusy|TCPRwndLimited, TCPBusy|TCPRwndLimited }, CausePath,
		},
		{"the second sample has no times", 1000 * ms, 0, 0, func(_, b *TCP) { b.Have = TCPRTT }, CauseUnknown},
		{"the first sample has no times", 1000 * ms, 0, 0, func(a, _ *TCP) { a.Have = 0 }, CauseUnknown},
		{"the samples are too close", 1000 * ms, 0, 0, func(a, b *TCP) { b.At = a.At.Add(19 * ms) }, CauseUnknown},
		{"the samples are in the wrong order", 1000 * ms, 0, 0, func(a, b *TCP) { *a, *b = *b, *a }, CauseUnknown},
		{"the samples are of two connections", -50 * ms, 0, 0, nil, CauseUnknown},
	} {
		a, b := after(tt.busy, tt.receiver, tt.buffer, tt.change)
		if got := Limit(&a, &b); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Samples of transfers on Linux 6.18, 400 ms apart.
func TestLimitOfRecordedSamples(t *testing.T) {
	const have = TCPBusy | TCPRwndLimited | TCPSndbufLimited | TCPAppLimited | TCPNotSent | TCPRTT | TCPMinRTT | TCPMSS
	const ms, us = time.Millisecond, time.Microsecond
	for _, tt := range []struct {
		name    string
		elapsed time.Duration
		b       TCP // its times are those since a
		want    Cause
	}{
		{
			"a path of 8 Mbit/s, shaped by tbf", 400 * ms,
			TCP{Busy: 400 * ms, NotSent: 595_128, InFlight: 215_752, RTT: 223_519 * us, MinRTT: 22 * us}, CausePath,
		},
		{
			"the same with a send buffer of 4 KiB", 400 * ms,
			TCP{Busy: 388 * ms, AppLimited: true, SendBufferFull: true, InFlight: 32_768, RTT: 33_982 * us, MinRTT: 26 * us}, CausePath,
		},
		{
			"a queue longer than the receiver's window", 400 * ms,
			TCP{Busy: 400 * ms, RwndLimited: 300 * ms, NotSent: 605_504, InFlight: 196_816, RTT: 160_852 * us, MinRTT: 21 * us}, CauseReceiver,
		},
		{
			"sendfile and a send buffer of 4 KiB on 800 Mbit/s", 400 * ms,
			TCP{Busy: 380 * ms, SndbufLimited: 212 * ms, AppLimited: true, RTT: 1125 * us, MinRTT: 3 * us}, CauseSendBuffer,
		},
		{
			"BBR at the beginning of a path of 40 ms", 400 * ms,
			TCP{Busy: 396 * ms, SndbufLimited: 128 * ms, NotSent: 27_512, InFlight: 40_544, RTT: 52_310 * us, MinRTT: 40_712 * us}, CausePath,
		},
		{
			"sendfile on loopback, which is faster than reading the file", 400 * ms,
			TCP{Busy: 80 * ms, AppLimited: true, RTT: 168 * us, MinRTT: 1 * us}, CauseApplication,
		},
	} {
		a := TCP{At: time.Now(), Have: have}
		b := tt.b
		b.At, b.Have, b.MSS = a.At.Add(tt.elapsed), have, 1448
		if got := Limit(&a, &b); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestStringsOfCausesAndStates(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{CauseUnknown.String(), "unknown"},
		{CauseSendBuffer.String(), "send buffer"},
		{Cause(200).String(), "unknown"},
		{Established.String(), "ESTABLISHED"},
		{Closing.String(), "CLOSING"},
		{TCPState(200).String(), "unknown"},
		{DiskSleep.String(), "disk-sleep"},
		{Waiting.String(), "waiting"},
		{State(200).String(), "unknown"},
		{(FieldCPU | FieldFDs).String(), "cpu,fds"},
		{All.String(), "name,state,parent,started,threads,cpu,memory,io,fds,faults,switches,owner,identity,footprint,nice"},
		{Fields(0).String(), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
