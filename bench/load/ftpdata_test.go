package load

import (
	"strconv"
	"testing"
)

func TestParseEPSV(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int // 0: an error
	}{
		{"Entering Extended Passive Mode (|||6446|)", 6446},
		{"Entering Extended Passive Mode (|||6446|).", 6446},
		{"(!!!65535!)", 65535},
		{"(|||0|)", 0},
		{"(|||65536|)", 0},
		{"(|||-1|)", 0},
		{"(|||6446)", 0},
		{"(||6446|)", 0},
		{"(||!6446|)", 0},
		{"(11112341)", 0},
		{"(|1|127.0.0.1|6446|)", 0}, // what EPRT takes
		{"|||6446|", 0},
		{"(", 0},
		{"", 0},
	} {
		got, err := parseEPSV(tt.in)
		if got != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("parseEPSV(%q) = %d, %v, want %d", tt.in, got, err, tt.want)
		}
	}
}

func TestParsePASV(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int // 0: an error
	}{
		{"Entering Passive Mode (127,0,0,1,25,46)", 25<<8 | 46},
		{"Entering Passive Mode (127,0,0,1,25,46).", 25<<8 | 46},
		{"Entering Passive Mode 10,9,8,7,0,21", 21},
		{"=127,0,0,1,255,255", 65535},
		{"(127,0,0,1,0,0)", 0},
		{"(127,0,0,1,256,1)", 0},
		{"(127,0,0,1,25)", 0},
		{"(127,0,0,1,25,46,47)", 0},
		{"(127,0,0,1,,46)", 0},
		{"(127, 0, 0, 1, 25, 46)", 0},
		{"no numbers", 0},
		{"", 0},
	} {
		got, err := parsePASV(tt.in)
		if got != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("parsePASV(%q) = %d, %v, want %d", tt.in, got, err, tt.want)
		}
	}
}

func FuzzPassive(f *testing.F) {
	f.Add("Entering Extended Passive Mode (|||6446|)")
	f.Add("Entering Passive Mode (127,0,0,1,25,46)")
	f.Fuzz(func(t *testing.T, msg string) {
		for _, parse := range []func(string) (int, error){parseEPSV, parsePASV} {
			if port, err := parse(msg); err == nil && (port < 1 || port > 65535) || err != nil && port != 0 {
				t.Fatalf("%s is port %d, %v", strconv.Quote(msg), port, err)
			}
		}
	})
}
