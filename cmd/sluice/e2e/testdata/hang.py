"""Mounts a file system with two files: "file" can be read, and opening "hang" never returns."""
import errno
import stat
import sys
import time

from fusepy import FUSE, FuseOSError, Operations

CONTENT = b"content\n"


class Hang(Operations):
    def getattr(self, path, fh=None):
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path in ("/file", "/hang"):
            return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": len(CONTENT)}
        raise FuseOSError(errno.ENOENT)

    def readdir(self, path, fh):
        return [".", "..", "file", "hang"]

    def open(self, path, flags):
        if path == "/hang":
            print("hangs", flush=True)
            time.sleep(3600)
        return 0

    def read(self, path, size, offset, fh):
        return CONTENT[offset : offset + size]


FUSE(Hang(), sys.argv[1], foreground=True)
