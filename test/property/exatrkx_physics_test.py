#!/usr/bin/env python3
"""The shipped models of exatrkx on sample events that they did not learn from, scored by helixctl validate.
Skipped (exit code 77) where helixctl was built without LibTorch."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("HELIX_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
HELIXCTL = os.environ.get("HELIXCTL", "helixctl")


def call(*arguments):
    return subprocess.run([HELIXCTL, *map(str, arguments)], capture_output=True, text=True, timeout=250)


def score(model, events):
    with tempfile.TemporaryDirectory() as folder:
        done = call("reconstruct", "--local", "--pipeline", "exatrkx", "--model", ROOT / "config/models" / model, "--out",
                    folder, ROOT / "test/data/events" / events)
        assert done.returncode == 0, done.stderr
        report = pathlib.Path(folder) / "score.json"
        done = call("validate", "--min-pt", "1", "--min-hits", "4", "--json", report, ROOT / "test/data/events" / events,
                    folder)
        assert done.returncode == 0, done.stderr
        return json.loads(report.read_text())["tracks"]


class ShippedModels(unittest.TestCase):
    def check(self, found, efficiency, fakes, duplicates):
        self.assertGreaterEqual(found["efficiency"], efficiency)
        self.assertLessEqual(found["fake_rate"], fakes)
        self.assertLessEqual(found["duplicate_rate"], duplicates)

    def test_generic(self):
        self.check(score("generic", "generic-ttbar-pu0"), 0.98, 0.02, 0.02)

    def test_phase1(self):
        self.check(score("phase1", "phase1-zmumu-pu35"), 0.93, 0.05, 0.05)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as nowhere:
        tried = call("reconstruct", "--local", "--pipeline", "exatrkx", "--model", ROOT / "config/models/generic", "--out",
                     nowhere, ROOT / "test/data/events/generic-ttbar-pu0")
    if "without LibTorch" in tried.stderr:
        print("skipped: helixctl was built without LibTorch")
        sys.exit(77)
    unittest.main()
