package main

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"testing"
)

// debug/pe and a second decoder of the export directory must read what image wrote.
func TestImage(t *testing.T) {
	file, err := pe.NewFile(bytes.NewReader(image()))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := file.Machine, uint16(pe.IMAGE_FILE_MACHINE_AMD64); got != want {
		t.Errorf("machine: got %#x, want %#x", got, want)
	}
	if file.Characteristics&pe.IMAGE_FILE_DLL == 0 {
		t.Errorf("characteristics: got %#x, want a DLL", file.Characteristics)
	}
	optional, ok := file.OptionalHeader.(*pe.OptionalHeader64)
	if !ok || optional.AddressOfEntryPoint != 0 {
		t.Errorf("optional header: got %+v, want one of PE32+ without an entry point", file.OptionalHeader)
	}
	section := file.Section(".edata")
	if section == nil || len(file.Sections) != 1 {
		t.Fatalf("got %d sections, want .edata alone", len(file.Sections))
	}
	edata, err := section.Data()
	if err != nil {
		t.Fatal(err)
	}

	dir := optional.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT]
	at := func(rva uint32) []byte { return edata[rva-section.VirtualAddress:] }
	text := func(rva uint32) string { s, _, _ := bytes.Cut(at(rva), []byte{0}); return string(s) }
	var exports exportDirectory
	if _, err := binary.Decode(at(dir.VirtualAddress), binary.LittleEndian, &exports); err != nil {
		t.Fatal(err)
	}
	if exports.NumberOfFunctions != 1 || exports.NumberOfNames != 1 {
		t.Errorf("got %d functions with %d names, want 1 with 1", exports.NumberOfFunctions, exports.NumberOfNames)
	}
	if got := binary.LittleEndian.Uint16(at(exports.AddressOfNameOrdinals)); got != 0 {
		t.Errorf("index of the function: got %d, want 0", got)
	}
	forwarder := binary.LittleEndian.Uint32(at(exports.AddressOfFunctions))
	if forwarder < dir.VirtualAddress || forwarder >= dir.VirtualAddress+dir.Size {
		t.Errorf("function at %#x, want it in the range of the directory, where it is a forwarder", forwarder)
	}
	for _, tt := range []struct {
		name string
		rva  uint32
		want string
	}{
		{"the DLL", exports.Name, "bcryptprimitives.dll"},
		{"the export", binary.LittleEndian.Uint32(at(exports.AddressOfNames)), "ProcessPrng"},
		{"the forwarder", forwarder, "advapi32.SystemFunction036"},
	} {
		if got := text(tt.rva); got != tt.want {
			t.Errorf("name of %s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
