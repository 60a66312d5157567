"""Prints what psutil reports about a process, the host or its sockets, as JSON.

Usage: psutil_snapshot.py process|host|connections PID
       psutil_snapshot.py percent PROC PROC   with two copies of /proc/stat
       psutil_snapshot.py users UTMP
       psutil_snapshot.py wait PID...         until one has ended, after a line on stdin
"""
import ctypes
import json
import sys

import psutil


def process():
    p = psutil.Process(int(sys.argv[2]))
    full = p.memory_full_info()
    switches = p.num_ctx_switches()
    io = p.io_counters()
    return {"process": {
        "name": p.name(), "state": p.status(), "parent": p.ppid(), "started": p.create_time(),
        "threads": p.num_threads(), "fds": p.num_fds(), "cpu": list(p.cpu_times())[:4],
        "rss": full.rss, "vms": full.vms, "shared": full.shared, "text": full.text, "data": full.data,
        "uss": full.uss, "pss": full.pss, "swap": full.swap,
        "io": [io.read_count, io.write_count, io.read_chars, io.write_chars, io.read_bytes, io.write_bytes],
        "switches": [switches.voluntary, switches.involuntary],
        "uids": list(p.uids()), "gids": list(p.gids()), "username": p.username(),
        "exe": p.exe(), "args": p.cmdline(), "cwd": p.cwd(), "terminal": p.terminal() or "",
        "environ": p.environ(),
        "files": [[f.fd, f.path, f.position, f.flags] for f in p.open_files()],
        "nofile": list(p.rlimit(psutil.RLIMIT_NOFILE)),
        "nice": p.nice(), "ionice": [int(p.ionice().ioclass), p.ionice().value], "affinity": p.cpu_affinity(),
        "maps": [[m.addr, m.perms, m.path, m.size, m.rss, m.pss, m.shared_clean, m.shared_dirty, m.private_clean,
                  m.private_dirty, m.referenced, m.anonymous, m.swap] for m in p.memory_maps(grouped=False)],
        "children": [c.pid for c in psutil.Process(p.ppid()).children()],
    }}


def host():
    memory = psutil.virtual_memory()
    swap = psutil.swap_memory()
    return {
        "memory": {"total": memory.total, "available": memory.available},
        "swap": {"total": swap.total, "used": swap.used, "free": swap.free, "in": swap.sin, "out": swap.sout},
        "cpus": {"logical": psutil.cpu_count(), "physical": psutil.cpu_count(logical=False) or 0},
        "boot": psutil.boot_time(),
        "cpu": [list(psutil.cpu_times())] + [list(c) for c in psutil.cpu_times(percpu=True)],
        "disks": {n: [d.read_count, d.write_count, d.read_bytes, d.write_bytes, d.busy_time,
                      d.read_merged_count, d.write_merged_count]
                  for n, d in psutil.disk_io_counters(perdisk=True, nowrap=False).items()},
        "nics": {n: [c.bytes_sent, c.bytes_recv, c.packets_sent, c.packets_recv]
                 for n, c in psutil.net_io_counters(pernic=True, nowrap=False).items()},
        "addrs": {n: [[a.address, a.netmask] for a in addrs if a.family in (2, 10)]
                  for n, addrs in psutil.net_if_addrs().items()},
        "mtu": {n: s.mtu for n, s in psutil.net_if_stats().items()},
    }


def connections():
    return {"connections": [
        [c.laddr.ip, c.laddr.port, c.raddr.ip if c.raddr else "", c.raddr.port if c.raddr else 0, c.status, c.pid or 0]
        for c in psutil.net_connections("tcp") + psutil.net_connections("udp")],
        "unix": [[c.laddr, int(c.type), c.pid or 0] for c in psutil.net_connections("unix")]}


def percent():
    def read(proc):
        psutil.PROCFS_PATH = proc
        return [psutil.cpu_percent()] + list(psutil.cpu_times_percent())
    read(sys.argv[2])
    return {"percent": read(sys.argv[3])}


def users():
    if ctypes.CDLL(None).utmpname(sys.argv[2].encode()) != 0:
        raise OSError("utmpname")
    return {"users": [[u.name, u.terminal or "", u.host, u.started, u.pid or 0] for u in psutil.users()]}


def wait():
    processes = [psutil.Process(int(pid)) for pid in sys.argv[2:]]
    print("ready", flush=True)
    sys.stdin.readline()
    gone, alive = psutil.wait_procs(processes, timeout=0.2)
    return {"gone": [p.pid for p in gone], "alive": [p.pid for p in alive]}


json.dump({f.__name__: f for f in (process, host, connections, percent, users, wait)}[sys.argv[1]](), sys.stdout)
