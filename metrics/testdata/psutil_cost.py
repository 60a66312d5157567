"""Prints how many seconds psutil takes to read a process, each process, the connections, and more.

Usage: psutil_cost.py process PID
       psutil_cost.py processes
       psutil_cost.py connections
       psutil_cost.py maps PID
       psutil_cost.py cpu
       psutil_cost.py unix
"""
import sys
import time

import psutil


def snapshot(p):
    with p.oneshot():
        return (p.name(), p.status(), p.ppid(), p.create_time(), p.num_threads(), p.cpu_times(), p.memory_info(),
                p.io_counters(), p.num_fds())


def every_process():
    for p in psutil.process_iter():
        try:
            snapshot(p)
        except psutil.Error:
            pass


if sys.argv[1] == "process":
    process, rounds, times = psutil.Process(int(sys.argv[2])), 2000, 1
    work = lambda: snapshot(process)
elif sys.argv[1] == "processes":
    work, rounds, times = every_process, 10, len(psutil.pids())
elif sys.argv[1] == "maps":
    process, rounds, times = psutil.Process(int(sys.argv[2])), 20, 1
    work = lambda: process.memory_maps(grouped=False)
elif sys.argv[1] == "cpu":
    work, rounds, times = lambda: (psutil.cpu_times(), psutil.cpu_times(percpu=True)), 500, 1
elif sys.argv[1] == "unix":
    work, rounds, times = lambda: psutil.net_connections("unix"), 5, 1
else:
    work, rounds, times = lambda: psutil.net_connections("tcp"), 2, 1
work()  # the first call fills psutil's caches
start = time.perf_counter()
for _ in range(rounds):
    work()
print((time.perf_counter() - start) / rounds / times)
