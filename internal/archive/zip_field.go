package archive

import (
	"encoding/binary"
	"io/fs"
	"math"
	"time"
	"unicode/utf8"
)

// appendCommon appends the fields that a local header and the directory have in common: from the version that is
// needed to read the entry to the time.
func appendCommon(b []byte, e *Entry, needs64 bool) []byte {
	needs, flags := uint16(version), uint16(0)
	if needs64 {
		needs = version64
	}
	if e.hasContent() {
		flags |= flagDescriptor
	}
	if !isASCII(e.Name) && utf8.ValidString(e.Name) {
		flags |= flagUTF8
	}
	const stored = 0
	day, clock := dosTime(e.Modified)
	return append16(b, needs, flags, stored, clock, day)
}

// attributes returns the mode for Unix, without setuid, setgid and sticky bits, and for MS-DOS whether the entry is a
// directory.
func attributes(e *Entry) uint32 {
	const (
		unixRegular   = 0o100000 << 16
		unixDirectory = 0o040000 << 16
		dosDirectory  = 0x10
	)
	mode := uint32(e.Mode&fs.ModePerm) << 16
	if e.Dir {
		return mode | unixDirectory | dosDirectory
	}
	return mode | unixRegular
}

// dosTime returns t in UTC in the format of MS-DOS. Times before 1980 and after 2107 become the nearest possible.
func dosTime(t time.Time) (day, clock uint16) {
	t = t.UTC()
	switch year := t.Year(); {
	case year < 1980:
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	case year > 2107:
		t = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	}
	day = uint16(t.Year()-1980)<<9 | uint16(t.Month())<<5 | uint16(t.Day())
	clock = uint16(t.Hour())<<11 | uint16(t.Minute())<<5 | uint16(t.Second()/2)
	return day, clock
}

// hasUnixTime reports whether the field for Unix time can hold t. It has 32 bits with a sign, and readers differ for
// times before 1970.
func hasUnixTime(t time.Time) bool {
	s := t.Unix()
	return s >= 0 && s <= math.MaxInt32
}

func lenUnixTime(t time.Time) int {
	if !hasUnixTime(t) {
		return 0
	}
	return 9
}

// appendUnixTime appends the field for Unix time, if it can hold t.
func appendUnixTime(b []byte, t time.Time) []byte {
	if !hasUnixTime(t) {
		return b
	}
	const id, onlyModified = 0x5455, 1
	b = append(append16(b, id, 5), onlyModified)
	return append32(b, uint32(t.Unix()))
}

// lenExtra64 returns the length of a ZIP64 field with n values.
func lenExtra64(n int) int {
	if n == 0 {
		return 0
	}
	return 4 + 8*n
}

// appendExtra64 appends the ZIP64 field, if there are values for it.
func appendExtra64(b []byte, values ...uint64) []byte {
	if len(values) == 0 {
		return b
	}
	const id = 0x0001
	return append64(append16(b, id, uint16(8*len(values))), values...)
}

func append16(b []byte, values ...uint16) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

func append32(b []byte, values ...uint32) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func append64(b []byte, values ...uint64) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}
