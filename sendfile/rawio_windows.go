package sendfile

import (
	"io/fs"

	"golang.org/x/sys/windows"
)

// A socket of package net is not written and read here: whether it is ready
// is known to package net alone.
var sysWrite, sysRead func(socket uintptr, p []byte) (int, error)

// sysFstat tells size and kind of an open file as fstat(2) does on Unix.
var sysFstat = func(file uintptr) (size int64, mode fs.FileMode, err error) {
	kind, err := windows.GetFileType(windows.Handle(file))
	switch {
	case err != nil:
		return 0, 0, err
	case kind == windows.FILE_TYPE_PIPE: // a socket too
		return 0, fs.ModeNamedPipe, nil
	case kind != windows.FILE_TYPE_DISK:
		return 0, fs.ModeDevice, nil
	}
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(file), &info); err != nil {
		return 0, 0, err
	}
	if info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
		mode = fs.ModeDir
	}
	return int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow), mode, nil
}
