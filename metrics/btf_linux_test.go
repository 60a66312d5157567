package metrics

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"
)

// kernelTypes are the types of the running kernel from its BTF, see bpf/btf in the
// kernel's documentation. Type numbers start at 1.
type kernelTypes struct {
	types   []btfType
	strings []byte
}

// A btfType is a type, with the members if it is a struct.
type btfType struct {
	name    string
	kind    uint32
	size    uint32 // bytes of a struct or integer; for other kinds, the number of a type
	members []btfMember
}

type btfMember struct {
	name   string
	typ    uint32
	offset uint32 // bits
	width  uint32 // bits of a bit field; otherwise 0
}

const (
	btfInt      = 1
	btfArray    = 3
	btfStruct   = 4
	btfUnion    = 5
	btfEnum     = 6
	btfTypedef  = 8 // 9 and 10 are volatile and const
	btfRestrict = 11
	btfFunction = 13
	btfVariable = 14
	btfSection  = 15
	btfTag      = 17
	btfEnum64   = 19
)

// readKernelTypes reads the BTF of the kernel, or skips the test if there is none.
func readKernelTypes(t *testing.T) kernelTypes {
	t.Helper()
	b, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("this kernel has no /sys/kernel/btf/vmlinux")
	}
	if err != nil {
		t.Fatal(err)
	}
	u32 := binary.NativeEndian.Uint32
	if binary.NativeEndian.Uint16(b) != 0xeb9f {
		t.Fatalf("got magic %#x, want 0xeb9f", b[:2])
	}
	body := b[u32(b[4:]):]
	rest := body[u32(b[8:]):][:u32(b[12:])]
	k := kernelTypes{types: make([]btfType, 1), strings: body[u32(b[16:]):][:u32(b[20:])]}
	for len(rest) > 0 {
		info := u32(rest[4:])
		typ := btfType{name: k.text(u32(rest)), kind: info >> 24 & 0x1f, size: u32(rest[8:])}
		n, hasWidths := info&0xffff, info>>31 == 1
		rest = rest[12:]
		switch typ.kind {
		case btfStruct, btfUnion:
			for range n {
				m := btfMember{name: k.text(u32(rest)), typ: u32(rest[4:]), offset: u32(rest[8:])}
				if hasWidths {
					m.offset, m.width = m.offset&0xffffff, m.offset>>24
				}
				typ.members = append(typ.members, m)
				rest = rest[12:]
			}
		case btfInt, btfVariable, btfTag:
			rest = rest[4:]
		case btfArray:
			rest = rest[12:]
		case btfEnum, btfFunction:
			rest = rest[8*n:]
		case btfSection, btfEnum64:
			rest = rest[12*n:]
		}
		k.types = append(k.types, typ)
	}
	return k
}

func (k kernelTypes) text(at uint32) string {
	b := k.strings[at:]
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return ""
}

func (k kernelTypes) has(name string) bool {
	return slices.ContainsFunc(k.types, func(typ btfType) bool { return typ.kind == btfStruct && typ.name == name })
}

// members returns the members of a struct by name.
func (k kernelTypes) members(t *testing.T, name string) map[string]btfMember {
	t.Helper()
	for _, typ := range k.types {
		if typ.kind == btfStruct && typ.name == name {
			all := make(map[string]btfMember)
			for _, m := range typ.members {
				all[m.name] = m
			}
			return all
		}
	}
	t.Fatalf("the kernel has no struct %s", name)
	return nil
}

// bits returns the size of a member in bits.
func (k kernelTypes) bits(m btfMember) uint32 {
	if m.width != 0 {
		return m.width
	}
	typ := k.types[m.typ]
	for btfTypedef <= typ.kind && typ.kind <= btfRestrict {
		typ = k.types[typ.size]
	}
	return typ.size * 8
}
