package metrics

import (
	"strings"
	"testing"
	"time"
)

func TestParseCPU(t *testing.T) {
	const whole = "cpu  10 20 30 40 50 60 70 80 9 8\n"
	for _, tt := range []struct {
		name, in string
		want     []CPUUse // the sum first; none: malformed
	}{
		{"all parts", whole + "cpu3 1 2 3 4 5 6 7 8 9 10\nintr 5 6\ncpu9 1 1 1 1\n", []CPUUse{
			{Number: -1, User: 10 * tick, Nice: 20 * tick, System: 30 * tick, Idle: 40 * tick, IOWait: 50 * tick, IRQ: 60 * tick, SoftIRQ: 70 * tick, Steal: 80 * tick, Guest: 9 * tick, GuestNice: 8 * tick, Have: ^CPUUseFields(0) >> 1},
			{Number: 3, User: 1 * tick, Nice: 2 * tick, System: 3 * tick, Idle: 4 * tick, IOWait: 5 * tick, IRQ: 6 * tick, SoftIRQ: 7 * tick, Steal: 8 * tick, Guest: 9 * tick, GuestNice: 10 * tick, Have: ^CPUUseFields(0) >> 1},
		}},
		{"the first four", "cpu  10 20 30 40\n", []CPUUse{{Number: -1, User: 10 * tick, Nice: 20 * tick, System: 30 * tick, Idle: 40 * tick, Have: CPUNice}}},
		{"more parts than today", strings.TrimSuffix(whole, "\n") + " 99\n", []CPUUse{
			{Number: -1, User: 10 * tick, Nice: 20 * tick, System: 30 * tick, Idle: 40 * tick, IOWait: 50 * tick, IRQ: 60 * tick, SoftIRQ: 70 * tick, Steal: 80 * tick, Guest: 9 * tick, GuestNice: 8 * tick, Have: ^CPUUseFields(0) >> 1},
		}},
		{"three parts", "cpu  10 20 30\n", nil},
		{"no sum", "cpu0 1 2 3 4\n", nil},
		{"a number that is too large for a duration", "cpu  99999999999999999 0 0 0\n", nil},
		{"nothing", "", nil},
	} {
		got, err := parseCPU([]byte(tt.in))
		all := append([]CPUUse{got.Total}, got.Each...)
		if (err != nil) != (tt.want == nil) {
			t.Errorf("%s: got %v", tt.name, err)
			continue
		}
		for i, want := range tt.want {
			if len(all) != len(tt.want) || all[i] != want {
				t.Errorf("%s: got\n%+v, want\n%+v", tt.name, all, tt.want)
			}
		}
	}
}

func TestPartsOfTheTimeOfAProcessor(t *testing.T) {
	before := CPUUse{User: 10, System: 5, Idle: 100, IOWait: 30, Steal: 1, Have: CPUIOWait | CPUSteal}
	after := CPUUse{User: 40, System: 15, Idle: 150, IOWait: 25, Steal: 11, Have: CPUIOWait}
	use := after.Sub(before)
	if want := (CPUUse{User: 30, System: 10, Idle: 50, IOWait: 0, Steal: 10, Have: CPUIOWait}); use != want {
		t.Errorf("got %+v, want %+v", use, want)
	}
	if use.Total() != 100 || use.Busy() != 50 || use.Percent(use.User) != 30 {
		t.Errorf("got a total of %d, %d busy and %f%%, want 100, 50 and 30%%", use.Total(), use.Busy(), use.Percent(use.User))
	}
	if got := (CPUUse{}).Percent(time.Second); got != 0 {
		t.Errorf("of no time: got %f%%", got)
	}
	if guest := (CPUUse{User: 10, Guest: 10}); guest.Total() != 10 {
		t.Errorf("a virtual machine: got a total of %d, want 10", guest.Total())
	}
}

func TestProcessorsOfRecordedKernels(t *testing.T) {
	for _, kernel := range recordedKernels {
		got, err := recordedTree(t, kernel.archive).CPU()
		if err != nil || len(got.Each) != 2 || got.Total.Total() <= 0 || got.Total.Have != ^CPUUseFields(0)>>1 {
			t.Errorf("%s: got %+v and %v, want two processors with all parts", kernel.archive, got, err)
		}
	}
}
