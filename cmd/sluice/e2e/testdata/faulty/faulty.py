"""faulty.py ROOT MOUNTPOINT [fsyncdir=NAME]

Shows the directory ROOT at MOUNTPOINT through FUSE, as a disk whose calls fail. It reads
commands from standard input, one in a line, and answers each with a line. A command other
than hits sets what fails, and starts counting calls from 1:

    write N M     M writes to files fail with EIO, starting with the N-th
    lose N        the N-th write succeeds but never reaches the disk: the next fsync of
                  the file fails with EIO, and later ones succeed, see fsync(2)
    fsync N M     M fsyncs of files fail with EIO, starting with the N-th
    fsyncdir N    the N-th fsync of a directory fails with EIO
    none          no call fails
    hits          answers how many calls have failed or lost bytes; changes nothing

With fsyncdir=NAME each fsync of a directory fails with the errno NAME, such as EINVAL.
With fsyncdir=none the file system lacks the call, so the kernel gets ENOSYS.
"""

import errno
import os
import sys
import threading

import fusepy


class Plan:
    def __init__(self):
        self.lock = threading.Lock()
        self.set("none")

    def set(self, call, first=0, times=1):
        with self.lock:
            self.call, self.left, self.times, self.hits = call, first, times, 0

    def fails(self, call):
        with self.lock:
            if call != self.call:
                return False
            self.left -= 1
            if self.left > 0 or self.left <= -self.times:
                return False
            self.hits += 1
            return True


plan = Plan()


def fail(call, number=errno.EIO):
    if plan.fails(call):
        raise fusepy.FuseOSError(number)


class Faulty(fusepy.Operations):
    use_ns = True

    def __init__(self, root, fsyncdir):
        self.root, self.lost = root, set()
        if fsyncdir == "none":
            self.fsyncdir = None
        elif fsyncdir:
            number = getattr(errno, fsyncdir)

            def refuse(path, datasync, handle):
                raise fusepy.FuseOSError(number)

            self.fsyncdir = refuse

    def __call__(self, op, path, *args):
        return getattr(self, op)(self.root + path, *args)

    def init(self, path):
        print("mounted", flush=True)

    def getattr(self, path, handle=None):
        info = os.lstat(path) if handle is None else os.fstat(handle)
        attributes = {name: getattr(info, "st_" + name) for name in
                      ("mode", "nlink", "uid", "gid", "size", "blocks", "ino")}
        attributes.update((f"{name}time", getattr(info, f"st_{name}time_ns")) for name in "amc")
        return {"st_" + name: value for name, value in attributes.items()}

    def readdir(self, path, handle):
        return [".", ".."] + os.listdir(path)

    def statfs(self, path):
        info = os.statvfs(path)
        return {name: getattr(info, name) for name in dir(info) if name.startswith("f_") and name != "f_fsid"}

    def mkdir(self, path, mode):
        os.mkdir(path, mode)

    def rmdir(self, path):
        os.rmdir(path)

    def unlink(self, path):
        os.unlink(path)

    def rename(self, old, new):
        os.rename(old, self.root + new)

    def chmod(self, path, mode):
        os.chmod(path, mode)

    def chown(self, path, uid, gid):
        os.chown(path, uid, gid)

    def utimens(self, path, times=None):
        os.utime(path, ns=times)

    def create(self, path, mode):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def open(self, path, flags):
        return os.open(path, flags & ~os.O_APPEND)  # the kernel passes an offset to write

    def read(self, path, size, offset, handle):
        return os.pread(handle, size, offset)

    def truncate(self, path, length, handle=None):
        os.truncate(path if handle is None else handle, length)

    def write(self, path, data, offset, handle):
        fail("write")
        if plan.fails("lose"):
            info = os.fstat(handle)
            self.lost.add(info.st_ino)
            os.ftruncate(handle, max(info.st_size, offset + len(data)))
            return len(data)
        return os.pwrite(handle, data, offset)

    def fsync(self, path, datasync, handle):
        fail("fsync")
        number = os.fstat(handle).st_ino
        if number in self.lost:
            self.lost.remove(number)
            raise fusepy.FuseOSError(errno.EIO)

    def fsyncdir(self, path, datasync, handle):
        fail("fsyncdir")

    def release(self, path, handle):
        os.close(handle)


def read_commands():
    for line in sys.stdin:
        call, *numbers = line.split()
        if call == "hits":
            print(plan.hits, flush=True)
            continue
        plan.set(call, *map(int, numbers))
        print("ready", flush=True)


root, mountpoint, *options = sys.argv[1:]
fsyncdir = options[0].removeprefix("fsyncdir=") if options else ""
threading.Thread(target=read_commands, daemon=True).start()
fusepy.FUSE(Faulty(root, fsyncdir), mountpoint, foreground=True, nothreads=True, big_writes=True)
