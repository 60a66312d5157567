// Command wineshim writes a bcryptprimitives.dll for wine.
//
//	go run ./testdata/wineshim FILE
//
// Since Go 1.22, programs take random numbers from ProcessPrng in that DLL, and do
// not start without it. Wine 10 has it. Debian 12 has wine 8, where the same function
// is called SystemFunction036 and is in advapi32.dll. So this DLL has no code, only an
// export that forwards one name to the other. It is for tests under wine and no part
// of Sluice; tools/wine.sh installs it.
package main

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"log"
	"os"
)

const (
	dllName    = "bcryptprimitives.dll"
	exportName = "ProcessPrng"
	forwardsTo = "advapi32.SystemFunction036"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("wineshim: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: wineshim FILE")
	}
	if err := os.WriteFile(os.Args[1], image(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// Offsets in the file, and addresses relative to the image base when the DLL is
// loaded (RVA). The loader maps whole pages; the file is laid out in sectors.
const (
	page   = 0x1000
	sector = 0x200

	peOffset    = 64     // in the file, after the DOS header
	sectionFile = sector // in the file, after all headers
	sectionRVA  = page   // in memory, after the page of the headers
)

// exportDirectory is IMAGE_EXPORT_DIRECTORY, which package debug/pe lacks.
type exportDirectory struct {
	Characteristics       uint32
	TimeDateStamp         uint32
	MajorVersion          uint16
	MinorVersion          uint16
	Name                  uint32 // RVA of the name of the DLL
	Base                  uint32 // ordinal of the first function
	NumberOfFunctions     uint32
	NumberOfNames         uint32
	AddressOfFunctions    uint32 // RVA of uint32s, each the RVA of a function or a forwarder
	AddressOfNames        uint32 // RVA of uint32s, each the RVA of a name, in order
	AddressOfNameOrdinals uint32 // RVA of uint16s: the ordinal of each name, minus Base
}

// exports returns the section .edata: the export directory, its three tables of one
// entry each, and the strings. The RVA of the function lies within the directory's
// range, which makes it a forwarder: the name of a function in another DLL.
func exports() []byte {
	const (
		functions = sectionRVA + 40 // after the directory
		names     = functions + 4
		ordinals  = names + 4
		dll       = ordinals + 2
		export    = dll + uint32(len(dllName)) + 1
		forwarder = export + uint32(len(exportName)) + 1
	)
	return layOut(
		exportDirectory{
			Name:                  dll,
			Base:                  1,
			NumberOfFunctions:     1,
			NumberOfNames:         1,
			AddressOfFunctions:    functions,
			AddressOfNames:        names,
			AddressOfNameOrdinals: ordinals,
		},
		uint32(forwarder), uint32(export), uint16(0),
		[]byte(dllName+"\x00"+exportName+"\x00"+forwardsTo+"\x00"),
	)
}

// image returns the content of the DLL, see the "Microsoft Portable Executable and
// Common Object File Format Specification", sections 2 to 4 and 6.3.
func image() []byte {
	edata := exports()
	size := uint32(len(edata))

	dos := make([]byte, peOffset)
	copy(dos, "MZ")
	binary.LittleEndian.PutUint32(dos[60:], peOffset) // e_lfanew

	optional := pe.OptionalHeader64{
		Magic:                       0x20b, // PE32+
		SizeOfInitializedData:       sector,
		ImageBase:                   0x180000000,
		SectionAlignment:            page,
		FileAlignment:               sector,
		MajorOperatingSystemVersion: 6,
		MajorSubsystemVersion:       6,
		SizeOfImage:                 sectionRVA + page,
		SizeOfHeaders:               sectionFile,
		Subsystem:                   pe.IMAGE_SUBSYSTEM_WINDOWS_CUI,
		// Nothing needs relocation, so the loader may use any address.
		DllCharacteristics:  pe.IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE | pe.IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
		NumberOfRvaAndSizes: 16,
	}
	optional.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT] = pe.DataDirectory{VirtualAddress: sectionRVA, Size: size}

	file := layOut(
		dos,
		[]byte("PE\x00\x00"),
		pe.FileHeader{
			Machine:              pe.IMAGE_FILE_MACHINE_AMD64,
			NumberOfSections:     1,
			SizeOfOptionalHeader: uint16(binary.Size(optional)),
			Characteristics:      pe.IMAGE_FILE_EXECUTABLE_IMAGE | pe.IMAGE_FILE_LARGE_ADDRESS_AWARE | pe.IMAGE_FILE_DLL,
		},
		optional,
		pe.SectionHeader32{
			Name:             [8]uint8([]byte(".edata\x00\x00")),
			VirtualSize:      size,
			VirtualAddress:   sectionRVA,
			SizeOfRawData:    sector,
			PointerToRawData: sectionFile,
			Characteristics:  pe.IMAGE_SCN_CNT_INITIALIZED_DATA | pe.IMAGE_SCN_MEM_READ,
		},
	)
	full := make([]byte, sectionFile+sector)
	copy(full, file)
	copy(full[sectionFile:], edata)
	return full
}

// layOut returns the parts one after another, encoded as in memory on amd64.
func layOut(parts ...any) []byte {
	var b bytes.Buffer
	for _, part := range parts {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			panic(err) // a type without a fixed size
		}
	}
	return b.Bytes()
}
