"""Policies of mixed rules about what this machine has: packages, units, kernel parameters, files,
mounts; the same questions for spotcheck and for goss, all of them with the answer yes."""

import os
import pathlib
import subprocess

UNITS = pathlib.Path("/usr/lib/systemd/system")
# Of a hundred rules so many are about each.
SHARES = {"package": 45, "unit": 30, "sysctl": 10, "file": 10, "mount": 5}


# As `systemctl is-enabled` tells them, with its answer in exit codes, which is what goss goes by.
STATES = {"enabled": "true", "static": "true", "disabled": "false"}


def things():
    """What there is to ask about, by kind, with the answer."""
    lines = told("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n").splitlines()
    packages = [name for name, state in (line.split() for line in lines) if state == "installed"]
    kinds = ("service", "socket", "timer", "path", "target", "mount")
    paths = [path for kind in kinds for path in UNITS.glob(f"*.{kind}") if path.is_file()]
    names = sorted(path.name for path in paths if "@" not in path.name)
    units = [(name, told("systemctl", "--root=/", "is-enabled", name).strip()) for name in names]
    keys = sorted(path for path in pathlib.Path("/proc/sys/net/ipv4").glob("*") if path.is_file())
    parameters = [(path.name, value) for path in keys if (value := parameter(path))]
    files = [entry.path for entry in os.scandir("/usr/bin") if entry.is_file(follow_symlinks=False)]
    return {
        "package": sorted(set(packages)),
        "unit": [(name, state) for name, state in units if state in STATES],
        "sysctl": parameters,
        "file": sorted(files),
        "mount": ["/proc"],
    }


def told(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def parameter(path):
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def write(policy, gossfile, count):
    """Writes the policy of spotcheck and the file of goss, each with `count` questions; where there
    are fewer things than questions some are asked again (goss, which has names, asks once)."""
    kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
    found = things()
    rules, asked = [], {kind: {} for kind in SHARES}
    for n in range(count):
        kind = kinds[(n * 37) % len(kinds)]
        own = found[kind]
        thing = own[n % len(own)]
        subject, must, name, question = QUESTIONS[kind](thing)
        rules.append(f"  - id: r{n}\n    {kind}: {subject}\n    must: {must}\n")
        asked[kind][name] = question
    policy.write_text(f"policy: bench-mixed\nrules:\n{''.join(rules)}", encoding="utf-8")
    lines = []
    for kind, questions in asked.items():
        lines.append(f"{GOSS_KINDS[kind]}:\n")
        lines += [f"  {name}:\n    {question}\n" for name, question in questions.items()]
    gossfile.write_text("".join(lines), encoding="utf-8")
    return sum(len(questions) for questions in asked.values())


def package(name):
    return name, "{ installed: true }", name, "installed: true"


def unit(thing):
    name, state = thing
    enabled = STATES[state]
    bare = name.removesuffix(".service")
    return name, f"{{ state: {state} }}", bare, f"enabled: {enabled}"


def sysctl(thing):
    name, value = thing
    key = f"net.ipv4.{name}"
    plain = " ".join(value.split())
    return key, f'{{ value: "{plain}" }}', key, f"value: '{value}'"


def file(path):
    return path, "{ owner: root, type: file }", path, "exists: true\n    owner: root"


def mount(point):
    return point, "{ filesystem: proc }", point, "exists: true\n    filesystem: proc"


QUESTIONS = {"package": package, "unit": unit, "sysctl": sysctl, "file": file, "mount": mount}
GOSS_KINDS = {
    "package": "package",
    "unit": "service",
    "sysctl": "kernel-param",
    "file": "file",
    "mount": "mount",
}
