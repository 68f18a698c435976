"""A Debian image (debootstrap, umoci, skopeo) with a few and with many rules, beside decompressing its
layer with the same libraries and doing nothing else (examples/decompress.rs)."""

import shutil
import subprocess

from . import ROOT, WORK
from .measure import compare

FOLDER = WORK / "image"
TOOLS = ("debootstrap", "umoci", "skopeo")
RULES = """\
policy: bench
rules:
  - { id: users, accounts: all, must: { uid_0: { only: [root] }, duplicate_ids: false } }
  - { id: passwd, file: /etc/passwd, must: { owner: root, mode: "0644" } }
  - { id: setuid, file: /usr/bin/su, must: { mode: u+s } }
"""
RULE = "  - {{ id: r{0}, file: /usr/bin/env, must: {{ owner: root }} }}\n"


def missing():
    """Tools that are wanted to make the image and are not there."""
    return [tool for tool in TOOLS if not shutil.which(tool)]


def layouts():
    """OCI layouts of a minimal Debian by compression; kept, so that only the first run makes them."""
    FOLDER.mkdir(parents=True, exist_ok=True)

    def run(*command):
        told = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
        if told.returncode != 0:
            raise RuntimeError(f"{command[0]}: {(told.stderr or told.stdout)[-300:].strip()}")

    root = FOLDER / "root"
    if not (FOLDER / "root.done").exists():
        shutil.rmtree(root, ignore_errors=True)
        run("debootstrap", "--variant=minbase", "bookworm", "root")
        for package in (root / "var/cache/apt/archives").glob("*.deb"):
            package.unlink()
        (FOLDER / "root.done").touch()
    gzip, zstd = FOLDER / "gzip", FOLDER / "zstd"
    if not (FOLDER / "layouts.done").exists():
        for made in (gzip, zstd, FOLDER / "bundle"):
            shutil.rmtree(made, ignore_errors=True)
        run("umoci", "init", "--layout", "gzip")
        run("umoci", "new", "--image", "gzip:app")
        run("umoci", "unpack", "--image", "gzip:app", "bundle")
        run("cp", "-a", "root/.", "bundle/rootfs/")
        run("umoci", "repack", "--image", "gzip:app", "bundle")
        shutil.rmtree(FOLDER / "bundle")
        zstd_options = ("--dest-compress", "--dest-compress-format", "zstd")
        run("skopeo", "--insecure-policy", "copy", "-q", *zstd_options, "oci:gzip:app", "oci:zstd:app")
        (FOLDER / "layouts.done").touch()
    return {"gzip": gzip, "zstd": zstd}


def policies():
    few, many = FOLDER / "few.yaml", FOLDER / "many.yaml"
    few.write_text(RULES)
    many.write_text(RULES + "".join(RULE.format(number) for number in range(300)))
    return {"3 rules": few, "303 rules": many}


def run(rounds):
    """Measurements by compression, each with the size of what is stored."""
    build = ["cargo", "build", "--release", "--locked", "--example", "decompress"]
    subprocess.run(build, cwd=ROOT, check=True)
    results = {}
    for name, layout in layouts().items():
        commands = {
            "decompressing alone": [str(ROOT / "target/release/examples/decompress"), str(layout)]
        }
        for rules, policy in policies().items():
            spotcheck = [str(ROOT / "target/release/spotcheck"), "check", str(policy)]
            commands[f"spotcheck, {rules}"] = [*spotcheck, "--image", str(layout)]
        rows = compare(commands, rounds)
        if any(row["exit_codes"] != [0] for row in rows.values()):
            raise RuntimeError(f"not the answer of a sound image: {rows}")
        stored = sum(path.stat().st_size for path in (layout / "blobs/sha256").iterdir())
        results[name] = {"bytes": stored, "rows": rows}
    plain = subprocess.run(commands["decompressing alone"], capture_output=True, text=True, check=True)
    results["plain"] = sum(int(line.split()[-2]) for line in plain.stdout.splitlines())
    return results
