"""Who could change what each of 200 services does: a made root filesystem, in which every service has a
program or script of its own, a drop-in, a file of variables and a directory, and all share
interpreters and libraries as services of one host do."""

import shutil
import subprocess

from .measure import compare

UNITS = 200
# Programs that services share; those that are not here are left out.
PROGRAMS = ["sh", "bash", "perl", "python3", "cat", "sleep", "ls", "openssl", "curl", "ssh"]


def libraries(program):
    """Paths that the dynamic linker would load, as ldd tells them."""
    told = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=False).stdout
    words = (word for line in told.splitlines() for word in line.split())
    return {word for word in words if word.startswith("/")}


def copy(root, path):
    """Copies a file to the same place below the root, symbolic links followed."""
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        shutil.copy(path, place)


def write(root, path, text, mode=0o644):
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    place.chmod(mode)


def stage(root):
    """Makes the root filesystem; the names of its units."""
    if root.exists():
        shutil.rmtree(root)
    root.mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    programs = [path for path in map(shutil.which, PROGRAMS) if path]
    for program in programs:
        copy(root, "/usr/bin/" + program.rsplit("/", 1)[1])
        for library in libraries(program):
            copy(root, library)
    write(root, "etc/os-release", "ID=debian\n")
    users = "".join(f"app{n}:x:{1000 + n}:{1000 + n}::/:/bin/sh\n" for n in range(50))
    write(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\n" + users)
    write(root, "etc/group", "root:x:0:\n" + "".join(f"app{n}:x:{1000 + n}:\n" for n in range(50)))
    units = [f"app-{number}.service" for number in range(UNITS)]
    for number, unit in enumerate(units):
        home = f"opt/app-{number}"
        own = f"/usr/bin/{programs[number % len(programs)].rsplit('/', 1)[1]}"
        start = f"/{home}/bin/run" if number % 2 else own
        write(root, f"{home}/bin/run", f"#!/bin/sh\n. /{home}/lib.sh\nexec {own}\n", 0o755)
        write(root, f"{home}/lib.sh", "PATH=/usr/bin:/bin\n")
        write(root, f"{home}/env", f"NAME=app-{number}\nPATH=/usr/bin:/bin\n")
        write(
            root,
            f"etc/systemd/system/{unit}",
            f"[Service]\nUser=app{number % 50}\nWorkingDirectory=/{home}\nEnvironmentFile=/{home}/env\n"
            f"ExecStartPre=/bin/sh -c '/usr/bin/cat /{home}/env'\nExecStart={start} --name %n\n"
            "[Install]\nWantedBy=multi-user.target\n",
        )
        write(root, f"etc/systemd/system/{unit}.d/limits.conf", "[Service]\nLimitNOFILE=65536\n")
        wants = root / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / unit).symlink_to(f"../{unit}")
    return units


def policy(units):
    rules = (
        f"  - {{ id: {unit.split('.')[0]}, service: {{ unit: {unit} }},"
        " must: { controlled_only_by: [root] } }\n"
        for unit in units
    )
    return "policy: bench-units\nrules:\n" + "".join(rules)


def run(spotcheck, folder, rounds):
    """One rule for each of the units, and one for a single one: what a run takes anyway."""
    root = folder / "units"
    units = stage(root)
    all_units, one = folder / "units.yaml", folder / "unit.yaml"
    all_units.write_text(policy(units), encoding="utf-8")
    one.write_text(policy(units[:1]), encoding="utf-8")
    check = [spotcheck, "check", "--root", str(root)]
    commands = {
        f"`controlled_only_by` for {UNITS} units": check + [str(all_units)],
        "the same for one of them": check + [str(one)],
    }
    return compare(commands, rounds)
