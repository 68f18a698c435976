"""What a command costs: CPU time, wall time and memory of it and all that it started."""

import os
import statistics
import subprocess
import time

NOTHING = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]


def once(command):
    """Runs a command: (CPU seconds, wall seconds, exit code). The kernel adds to the resources of
    a child those of its own children for which it waited, so a shell script pays for its ps."""
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=NOTHING)
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    return used.ru_utime + used.ru_stime, wall, os.waitstatus_to_exitcode(status)


def exit_code(command):
    return once(command)[2]


def peak_memory(command):
    """Largest resident set in KiB of the command or a child of it, as GNU time tells; None without.

    Not from our own wait4: between fork and exec a child of this interpreter counts as large as
    the interpreter."""
    try:
        told = subprocess.run(
            ["/usr/bin/time", "-q", "-f", "%M"] + command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        return int(told.stderr.split()[-1])
    except (OSError, ValueError, IndexError):
        return None


def compare(commands, rounds, memory=3):
    """Measures commands by name, in turns so that a disturbance hits all of them alike. The first
    round warms the caches and does not count. `memory`: so many more runs tell their memory."""
    samples = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            sample = once(command)
            if turn > 0:
                samples[name].append(sample)
    return {name: summary(commands[name], taken, memory) for name, taken in samples.items()}


def summary(command, samples, memory):
    cpu, wall, codes = zip(*samples)
    peaks = (peak_memory(command) for _ in range(memory))
    memory = [peak for peak in peaks if peak is not None]
    return {
        "runs": len(samples),
        "cpu": statistics.median(cpu),
        "cpu_min": min(cpu),
        "cpu_max": max(cpu),
        "wall": statistics.median(wall),
        "rss_kib": statistics.median(memory) if memory else None,
        "exit_codes": sorted(set(codes)),
    }
