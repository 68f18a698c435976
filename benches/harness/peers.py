"""The peers: where they come from, which version, and how each is asked about the trio."""

import json
import os
import shutil
import subprocess
import sys

from . import ROOT, WORK

GOSS = "v0.4.10"
TESTINFRA = "10.2.2"
QUESTIONS = ROOT / "benches" / "peers"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": sys.stderr}


def find(install):
    """Peers by name with the path of their program, and those that are missing with the reason."""
    finders = {"shell": shell, "goss": goss, "testinfra": testinfra, "OpenSCAP": openscap}
    found, missing = {}, {}
    for name, finder in finders.items():
        try:
            found[name] = str(finder(install))
        except (OSError, LookupError, subprocess.CalledProcessError) as error:
            print(f"benches/run: {name} is missing: {error}", file=sys.stderr)
            missing[name] = str(error) if isinstance(error, LookupError) else "installing it failed"
    if not os.path.exists("/usr/bin/time") and install:
        subprocess.run(apt("time"), check=False, **QUIET)
    return found, missing


def shell(_install):
    for tool in ("ps", "ss", "stat"):
        if not shutil.which(tool):
            raise LookupError(f"there is no {tool}")
    return "sh"


def goss(install):
    program = WORK / "bin" / f"goss-{GOSS}"
    if program.exists():
        return program
    if not shutil.which("go"):
        raise LookupError("there is no go to build it")
    if not install:
        raise LookupError("not installed")
    # Exactly this version with exactly the dependencies that it names itself.
    download = ["go", "mod", "download", "-json", f"github.com/goss-org/goss@{GOSS}"]
    told = subprocess.run(download, cwd="/", check=True, stdout=subprocess.PIPE)
    source = json.loads(told.stdout)["Dir"]
    build = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(program), "./cmd/goss"]
    subprocess.run(build, cwd=source, check=True, **QUIET)
    return program


def testinfra(install):
    python = WORK / "venv" / "bin" / "python"
    wanted = f"pytest-testinfra=={TESTINFRA}"
    if not python.exists() and install:
        subprocess.run([sys.executable, "-m", "venv", str(WORK / "venv")], check=True, **QUIET)
    if install:
        pip = [str(python), "-m", "pip", "install", "--quiet", wanted]
        subprocess.run(pip, check=True, **QUIET)
    if not python.exists():
        raise LookupError("not installed")
    subprocess.run([str(python), "-c", "import testinfra"], check=True, **QUIET)
    return python


def openscap(install):
    if not shutil.which("oscap") and install and shutil.which("apt-get"):
        # Debian 12 and Ubuntu call it one way, older ones the other.
        if subprocess.run(apt("openscap-scanner"), check=False, **QUIET).returncode != 0:
            subprocess.run(apt("libopenscap8"), check=True, **QUIET)
    program = shutil.which("oscap")
    if not program:
        raise LookupError("not installed")
    return program


def apt(package):
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y"]
    return quiet + ["--no-install-recommends", package]


def trio(found, uid, gid):
    """The commands that ask each peer about the trio, by the name of the row."""
    commands = {}
    if "shell" in found:
        commands["shell script (`ps`, `ss`, `stat`)"] = ["sh", str(QUESTIONS / "trio.sh")]
    if "goss" in found:
        validate = ["validate", "--no-color"]
        for row, file in (("goss", "goss.yaml"), ("goss, with commands", "goss-commands.yaml")):
            commands[row] = [found["goss"], "--gossfile", str(QUESTIONS / file), *validate]
    if "testinfra" in found:
        pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--hosts=local://"]
        commands["testinfra"] = [found["testinfra"], *pytest, str(QUESTIONS / "test_trio.py")]
    if "OpenSCAP" in found:
        # OVAL knows users by number only.
        for part in ("xccdf", "oval"):
            text = (QUESTIONS / f"trio-{part}.xml").read_text(encoding="utf-8")
            text = text.replace("@UID@", str(uid)).replace("@GID@", str(gid))
            (WORK / f"trio-{part}.xml").write_text(text, encoding="utf-8")
        commands["OpenSCAP"] = [found["OpenSCAP"], "xccdf", "eval", str(WORK / "trio-xccdf.xml")]
    return commands


def versions(found):
    """What was measured, in one line each."""

    def first_line(*command):
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        return ((run.stdout or run.stderr).strip().splitlines() or ["unknown"])[0]

    commit = first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    own = first_line(str(ROOT / "target/release/spotcheck"), "--version")
    lines = [f"spotcheck: {own} ({commit})"]
    lines.append(f"rustc: {first_line('rustc', '--version')}")
    lines.append(f"nginx: {first_line('nginx', '-v')}")
    if "shell" in found:
        lines += [f"ss: {first_line('ss', '-V')}", f"ps: {first_line('ps', '-V')}"]
    if "goss" in found:
        lines.append(f"goss: {GOSS}, built with {first_line('go', 'version')}")
    if "testinfra" in found:
        python = first_line(found["testinfra"], "--version")
        lines.append(f"testinfra: pytest-testinfra {TESTINFRA}, {python}")
    if "OpenSCAP" in found:
        lines.append(f"OpenSCAP: {first_line(found['OpenSCAP'], '--version')}")
    return lines
