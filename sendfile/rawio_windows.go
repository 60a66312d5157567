package sendfile

import (
	"io/fs"

	"golang.org/x/sys/windows"
)

// Sockets are read and written through package net: only it knows when they are
// ready.
var sysWrite, sysRead func(socket uintptr, p []byte) (int, error)

// sysFstat returns the size of an open file, and a mode with its type bits only.
var sysFstat = func(file uintptr) (size int64, mode fs.FileMode, err error) {
	kind, err := windows.GetFileType(windows.Handle(file))
	switch {
	case err != nil:
		return 0, 0, err
	case kind == windows.FILE_TYPE_PIPE: // a pipe or a socket
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
