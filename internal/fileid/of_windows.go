package fileid

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

// ofOS returns the ID of f.
func ofOS(f *os.File) (ID, error) {
	h := windows.Handle(f.Fd())
	var info windows.ByHandleFileInformation
	var basic basicInfo
	err := windows.GetFileInformationByHandle(h, &info)
	if err == nil {
		err = windows.GetFileInformationByHandleEx(h, windows.FileBasicInfo,
			(*byte)(unsafe.Pointer(&basic)), uint32(unsafe.Sizeof(basic)))
	}
	runtime.KeepAlive(f)
	if err != nil {
		return ID{}, err
	}
	id := ID{
		Device:   uint64(info.VolumeSerialNumber),
		Inode:    uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow),
		Size:     int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow),
		Mode:     info.FileAttributes,
		Regular:  info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY == 0,
		Modified: info.LastWriteTime.Nanoseconds(),
	}
	if t := basic.changeTime; t != 0 { // zero on FAT
		ft := windows.Filetime{LowDateTime: uint32(t), HighDateTime: uint32(t >> 32)}
		id.Changed = ft.Nanoseconds()
	}
	return id, nil
}

// basicInfo is FILE_BASIC_INFO.
type basicInfo struct {
	creationTime, lastAccessTime, lastWriteTime, changeTime int64
	attributes                                              uint32
	_                                                       uint32 // Windows refuses a shorter buffer
}
