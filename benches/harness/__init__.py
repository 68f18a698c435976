"""The benchmark harness: nothing but the standard library."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "bench"
