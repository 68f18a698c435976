"""Results as Markdown."""

import datetime
import os
import pathlib
import platform
import statistics

HEAD = """\
# What checking costs

Written by `benches/run`; numbers of one machine in one run, to be compared with each other only.
CPU time is user plus system of the command and all it starts; medians. `README.md` says how.
"""
TRIO = """\
## The trio, on a host with nginx

Process nginx does not run as root; `/etc/nginx/nginx.conf` is nginx:nginx 0640; port 8080 is bound
by nginx. *Notices* says which violations are told when staged one by one: nginx as root (R), the
file's mode (M), another program on the port (P). A dash is a violation that passes.
"""
CROWD = """\
## The same on a crowded host

{processes} more processes that hold {sockets} TCP sockets, {listening} of them listening.
"""
RULES = """\
## Many rules

Of ten rules seven are about files (of `/usr/bin`, each another), two about a service and one about
a port. The host has nothing but nginx, as a container has; so the ten rules find little to do.
"""
ON_A_SERVER = """\
The same beside {processes} more processes that hold {sockets} TCP sockets, as on a small server:
"""
MIXED = """\
## Mixed rules

500 rules about packages, units, kernel parameters, files and mounts of this machine, and the same
questions for goss, each asked once. goss asks `dpkg-query` and `systemctl`, a process for each.
"""


LEDGER = """\
## The ledger

An SQLite ledger of {items} items, a tenth of them to be done, over 200 hosts, as a year of hourly
runs leaves it behind: {size:.0f} MB. {runs} runs that found the same {findings} violations made it
{grown} bytes larger. Wall time in ms; recording is what a recorded run takes longer than one that
is not (whose median is {plain:.1f} ms).
"""

IMAGE = """\
## An image

A minimal Debian in one layer, {plain:.0f} MB, of which {stored}. spotcheck
decompresses, verifies the digest and lists every file in one pass, and keeps what rules ask for; the
yardstick decompresses with the same libraries and does nothing else.
"""


INVENTORY = """\
## Inventories

{files:,} files below /usr and /etc. spotcheck walks them once for setuid, setgid and file capabilities and
for what everybody may write; what users run today walks them once each. The last row is not about
these files: who could change anything that root runs.
"""


CONTROL = """\
## Who controls every unit

A root filesystem with 200 services: a rule for each asks who could change its program or script,
libraries, interpreter, unit, drop-in, files of variables and every directory on the way. The second
row is what a run with one rule takes anyway.
"""


def render(results, versions, missing):
    processes, sockets, listening = results["crowd_size"]
    gaps = "".join(f"**Missing: {name}** ({why}).\n" for name, why in missing.items())
    parts = [
        HEAD,
        machine(),
        "\n".join(f"* {line}" for line in versions) + "\n",
        *([gaps] if gaps else []),
        TRIO,
        table(results["trio"], results["noticed"]),
        CROWD.format(processes=processes, sockets=sockets, listening=listening),
        table(results["crowd"]),
        RULES,
        table(results["rules"]),
        ON_A_SERVER.format(processes=results["ordinary"][0], sockets=results["ordinary"][1]),
        table(results["rules_on_a_server"]),
        MIXED,
        table(results["mixed"]),
        INVENTORY.format(files=results["inventory_files"]),
        table(results["inventory"]),
        CONTROL,
        table(results["control"]),
        ledger(results["ledger"]),
        *([image(results["image"])] if "image" in results else []),
    ]
    return "\n".join(parts)


def ledger(result):
    head = LEDGER.format(
        items=result["items"],
        size=result["bytes"] / 1e6,
        runs=result["runs"],
        findings=result["findings"],
        grown=result["grown"],
        plain=result["plain"] * 1e3,
    )
    lines = ["", "| | median ms | min to max | runs |", "|---|--:|--:|--:|"]
    for name, walls in result["rows"].items():
        walls = [wall * 1e3 for wall in walls]
        middle = statistics.median(walls)
        lines.append(f"| {name} | {middle:.1f} | {min(walls):.1f} to {max(walls):.1f} | {len(walls)} |")
    return head + "\n".join(lines) + "\n"


def image(result):
    sizes = {name: part for name, part in result.items() if name != "plain"}
    stored = " and ".join(f"{part['bytes'] / 1e6:.0f} MB are left by {name}" for name, part in sizes.items())
    lines = ["", "| | wall ms | times | CPU ms | times | max RSS MiB | runs |"]
    lines.append("|---|--:|--:|--:|--:|--:|--:|")
    for name, part in sizes.items():
        first = None
        for command, row in part["rows"].items():
            first = first or row
            memory = "?" if row["rss_kib"] is None else f"{row['rss_kib'] / 1024:.1f}"
            wall, cpu = row["wall"], row["cpu"]
            lines.append(
                f"| {name}: {command} | {wall * 1e3:.0f} | {wall / first['wall']:.2f} | {cpu * 1e3:.0f} |"
                f" {cpu / first['cpu']:.2f} | {memory} | {row['runs']} |"
            )
    return IMAGE.format(plain=result["plain"] / 1e6, stored=stored) + "\n".join(lines) + "\n"


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else "unknown CPU"
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return (
        f"{today}, {model}, {os.cpu_count()} CPUs, {memory:.0f} GiB, {release}, "
        f"Linux {platform.release()} {platform.machine()}.\n"
    )


def table(rows, noticed=None):
    """One row for each command, in the order of CPU time."""
    head = ["", "CPU ms", "min to max", "wall ms", "max RSS MiB", "times the first", "runs"]
    head += ["content when healthy", "notices"] if noticed else ["exit"]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    order = sorted(rows.items(), key=lambda item: item[1]["cpu"])
    for name, row in order:
        memory = "?" if row["rss_kib"] is None else f"{row['rss_kib'] / 1024:.1f}"
        cells = [
            name,
            f"{row['cpu'] * 1e3:.1f}",
            f"{row['cpu_min'] * 1e3:.1f} to {row['cpu_max'] * 1e3:.1f}",
            f"{row['wall'] * 1e3:.1f}",
            memory,
            f"{row['cpu'] / order[0][1]['cpu']:.1f}",
            str(row["runs"]),
        ]
        if noticed:
            seen = noticed[name]
            letters = (("R", "root"), ("M", "mode"), ("P", "port"))
            cells.append("yes" if seen["healthy"] else "**no**")
            cells.append("".join(letter if seen[state] else "-" for letter, state in letters))
        else:
            cells.append(", ".join(map(str, row["exit_codes"])))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
