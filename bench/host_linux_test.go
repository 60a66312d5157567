package bench

import "testing"

func TestParseCPUInfo(t *testing.T) {
	const x86 = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: fpu vme sse\n\nprocessor\t: 1\nmodel name\t: Another\nflags\t\t: fpu\n"
	yes, no := true, false
	tests := []struct {
		name, text, model string
		virtual           *bool
	}{
		{"a virtual machine", "model name\t: Xeon\nflags\t\t: fpu hypervisor sse\n", "Xeon", &yes},
		{"the first of two processors", x86, "Intel(R) Xeon(R) Processor", &no},
		{"a flag that only begins so", "flags : hypervisor_not\n", "", &no},
		{"an Arm machine names neither", "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n", "", nil},
		{"nothing", "", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			model, virtual := parseCPUInfo(tt.text)
			if model != tt.model {
				t.Errorf("got model %q, want %q", model, tt.model)
			}
			if (virtual == nil) != (tt.virtual == nil) || virtual != nil && *virtual != *tt.virtual {
				t.Errorf("got virtual %v, want %v", virtual, tt.virtual)
			}
		})
	}
}

func TestParseLoad(t *testing.T) {
	if load := parseLoad("0.31 0.22 0.10 1/234 5678\n"); load == nil || *load != 0.31 {
		t.Errorf("got %v, want 0.31", load)
	}
	for _, text := range []string{"", "?"} {
		if load := parseLoad(text); load != nil {
			t.Errorf("%q: got %v, want it absent", text, *load)
		}
	}
}
