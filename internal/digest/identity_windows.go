package digest

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// stat returns the present identity of f.
func stat(f *os.File) (identity, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return identity{}, err
	}
	var info windows.ByHandleFileInformation
	var basic basicInfo
	cerr := conn.Control(func(h uintptr) {
		if err = windows.GetFileInformationByHandle(windows.Handle(h), &info); err != nil {
			return
		}
		err = windows.GetFileInformationByHandleEx(windows.Handle(h), windows.FileBasicInfo,
			(*byte)(unsafe.Pointer(&basic)), uint32(unsafe.Sizeof(basic)))
	})
	if cerr != nil {
		return identity{}, cerr
	}
	if err != nil {
		return identity{}, err
	}
	if info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
		return identity{}, errNotRegular
	}
	id := identity{
		device:  uint64(info.VolumeSerialNumber),
		inode:   uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow),
		size:    int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow),
		written: time.Unix(0, info.LastWriteTime.Nanoseconds()),
	}
	if t := basic.changeTime; t != 0 { // zero on FAT
		ft := windows.Filetime{LowDateTime: uint32(t), HighDateTime: uint32(t >> 32)}
		id.changed = time.Unix(0, ft.Nanoseconds())
	}
	return id, nil
}

// basicInfo is FILE_BASIC_INFO.
type basicInfo struct {
	creationTime, lastAccessTime, lastWriteTime, changeTime int64
	attributes                                              uint32
	_                                                       uint32 // Windows refuses a buffer that is shorter
}
