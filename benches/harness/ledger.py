"""The ledger: what recording a run costs, and reading, beside a hundred thousand items."""

import os
import pathlib
import shutil
import socket
import sqlite3
import statistics

from . import ROOT, measure

SPOTCHECK = str(ROOT / "target/release/spotcheck")
ITEMS = 100_000
HOSTS = 200
FINDINGS = 500
RULES = 300
YEAR = 365 * 86_400
# Of a hundred items so many are still to be done.
LIVE = 10
# Changes of one item in a year, beside its first sight.
EVENTS = 5


def fill(path, folder):
    """Adds items of other rules to a ledger, as a year of hourly runs of two hundred hosts leaves
    it behind: changes, not runs."""
    db = sqlite3.connect(path)
    (now,) = db.execute("SELECT max(last_run) FROM hosts").fetchone()
    texts = db.execute("SELECT texts FROM items LIMIT 1").fetchone()[0]
    evidence = db.execute("SELECT evidence_now FROM occurrences LIMIT 1").fetchone()[0]
    (first,) = db.execute("SELECT max(id) + 1 FROM items").fetchone()
    here = socket.gethostname()
    db.executemany(
        "INSERT OR IGNORE INTO hosts VALUES (?, ?, ?, ?, 0)",
        ((f"host{n}", now - YEAR, now, now) for n in range(HOSTS)),
    )
    ids = range(first, first + ITEMS)
    state = ["open" if n % 100 < LIVE else "resolved" for n in range(ITEMS)]
    db.executemany(
        "INSERT INTO items (id, policy, rule, thing_kind, thing, condition, title, kind, severity,"
        " due, first_seen, last_seen, state, state_since, reopenings, texts)"
        " VALUES (?, 'fleet', ?, 'file', ?, 'mode', ?, 'repair', ?, ?, ?, ?, ?, ?, 1, ?)",
        (
            (n, f"rule{n % RULES}", f"/srv/{n}", f"Repair mode of file /srv/{n}: expected 0600",
             n % 5, now + n, now - YEAR + n, now - n, state[n - first], now - n, texts)
            for n in ids
        ),
    )
    # Those of this host too, one of each two hundred.
    name = [here] + [f"host{n}" for n in range(1, HOSTS)]
    db.executemany(
        "INSERT INTO occurrences (item, host, affected_kind, affected, presence, asked, implied,"
        " first_seen, last_seen, last_looked, evidence_then, evidence_now)"
        " VALUES (?, ?, 'file', ?, ?, 'file /srv', 0, ?, ?, ?, ?, ?)",
        (
            (n, name[n % HOSTS], f"/srv/{n}", "present" if state[n - first] == "open" else "held",
             now - YEAR, now, now, evidence, evidence)
            for n in ids
        ),
    )
    db.executemany(
        "INSERT INTO events (item, at, host, actor, kind, detail)"
        " VALUES (?, ?, ?, 'spotcheck', ?, 'seen')",
        (
            (n, now - YEAR + e, name[n % HOSTS], "opened" if e == 0 else "regressed")
            for n in ids for e in range(EVENTS)
        ),
    )
    # Every host stands somehow by every rule, and each of these has changed twice.
    rules = [(host, f"rule{n}") for host in name for n in range(RULES)]
    db.executemany(
        "INSERT INTO standings (host, policy, rule, standing, since)"
        " VALUES (?, 'fleet', ?, 'holds', ?)",
        ((host, rule, now - YEAR) for host, rule in rules),
    )
    db.executemany(
        "INSERT INTO turns (host, policy, rule, at, was, last_look, became)"
        " VALUES (?, 'fleet', ?, ?, ?, ?, ?)",
        (
            (host, rule, now - YEAR + at, was, now - YEAR, became)
            for host, rule in rules
            for at, was, became in ((0, "holds", "violated"), (1, "violated", "holds"))
        ),
    )
    db.executemany(
        "INSERT INTO looks (host, policy, at) VALUES (?, 'fleet', ?)",
        ((host, now) for host in name),
    )
    db.commit()
    db.close()
    return path


def policy(folder):
    """A policy that finds as many violations as there are files."""
    files = folder / "files"
    files.mkdir()
    for n in range(FINDINGS):
        (files / f"{n}.conf").touch(mode=0o644)
        os.chmod(files / f"{n}.conf", 0o644)
    path = folder / "policy.yaml"
    path.write_text(
        f"policy: bench\npostmortem: {{ measures: [Keep files private] }}\nrules:\n"
        f"  - {{ id: private, measure: 1, file: '{files}/*', must: {{ mode: '0600' }} }}\n",
        encoding="utf-8",
    )
    return path


def run(folder, rounds):
    """All numbers, wall time in seconds. Recording is what a recorded run takes longer than one
    that is not."""
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    check = [SPOTCHECK, "check", str(policy(folder)), "--quiet"]
    ledger = folder / "ledger.db"
    recorded = check + ["--ledger", str(ledger)]
    measure.once(recorded)
    fill(ledger, folder)
    size = ledger.stat().st_size
    read = [SPOTCHECK, "actions", "--ledger", str(ledger), "list"]
    measures = [SPOTCHECK, "measures", check[2], "--ledger", str(ledger)]
    commands = {
        "plain": check,
        "recorded": recorded,
        "list": read,
        "list of a host": read + ["--host", socket.gethostname()],
        "overdue": read + ["--overdue"],
        "all": read + ["--all"],
        "measures": measures,
    }
    walls = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            _, wall, code = measure.once(command)
            if code not in (0, 1, 2):
                raise SystemExit(f"benches/run: {name} ended with {code}")
            if turn > 0:
                walls[name].append(wall)
    first = []
    for _ in range(rounds):
        copy = folder / "copy.db"
        shutil.copy(ledger, copy)
        forget(copy)
        _, wall, _ = measure.once(check + ["--ledger", str(copy)])
        first.append(wall)
    return {
        "items": ITEMS + FINDINGS,
        "findings": FINDINGS,
        "plain": statistics.median(walls["plain"]),
        "rows": {
            f"recording {FINDINGS} violations that were there before":
                difference(walls["recorded"], walls["plain"]),
            f"recording {FINDINGS} new violations": difference(first, walls["plain"]),
            "`actions list`": walls["list"],
            "`actions list --host`": walls["list of a host"],
            "`actions list --overdue`": walls["overdue"],
            "`actions list --all`": walls["all"],
            "`measures`": walls["measures"],
        },
        "bytes": size,
        "grown": ledger.stat().st_size - size,
        "runs": rounds + 1,
    }


def forget(path):
    """Takes the violations of the policy out of a ledger, so that they are new again."""
    db = sqlite3.connect(path)
    for table in ("events", "occurrences"):
        db.execute(f"DELETE FROM {table} WHERE item IN (SELECT id FROM items WHERE policy = 'bench')")
    db.execute("DELETE FROM items WHERE policy = 'bench'")
    db.commit()
    db.close()


def difference(longer, shorter):
    middle = statistics.median(shorter)
    return [wall - middle for wall in longer]
