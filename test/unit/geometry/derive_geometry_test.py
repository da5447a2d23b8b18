#!/usr/bin/env python3
"""scripts/derive-geometry on the sample events: what it writes, how it fails."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy  # noqa: F401
    import tomllib
except ImportError:
    sys.exit(77)  # skipped: the script needs both

ROOT = os.environ.get("HELIX_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../../.."))
PHASE1 = os.path.join(ROOT, "config/geometry/phase1")
EVENTS = os.path.join(ROOT, "test/data/events/phase1-ttbar-pu50")
GENERIC = os.path.join(ROOT, "test/data/geometry/generic-pixel")


def derive(out, geometry=PHASE1, detectors="detectors.csv", events=EVENTS, layers=None, *more):
    return subprocess.run(
        [sys.executable, os.path.join(ROOT, "scripts/derive-geometry"), "--detectors", os.path.join(geometry, detectors),
         "--layers", layers or os.path.join(geometry, "layers.toml"), "--events", events, "--out", out, *more],
        capture_output=True, text=True, timeout=120)


class DeriveGeometry(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.out = os.path.join(self.folder.name, "geometry.toml")

    def tearDown(self):
        self.folder.cleanup()

    def read(self):
        with open(self.out, "rb") as f:
            return tomllib.load(f)

    def test_phase1(self):
        done = derive(self.out, PHASE1, "detectors.csv", EVENTS, None, "--check", EVENTS)
        self.assertEqual(done.returncode, 0, done.stderr)
        geometry = self.read()
        self.assertEqual([layer["name"] for layer in geometry["layer"]],
                         ["B1", "B2", "B3", "B4", "P1", "P2", "P3", "N1", "N2", "N3"])
        pairs = {(p["inner"], p["outer"]): p for p in geometry["pair"]}
        for pair in [("B1", "B2"), ("B2", "B3"), ("B3", "B4"), ("B1", "P1"), ("B1", "N1"), ("P1", "P2"), ("N2", "N3")]:
            self.assertIn(pair, pairs)
            self.assertNotIn("skips", pairs[pair])
        self.assertEqual(pairs["B1", "B3"]["skips"], 1)
        self.assertNotIn(("B2", "B1"), pairs)
        self.assertLess(pairs["B2", "B3"]["phi"], 0.02)
        self.assertTrue(100 < pairs["B1", "B2"]["inner_range"][1] < 260)
        # A cluster of size 1 is not from a grazing track, a long one is.
        windows = geometry["layer"][0]["size_windows"]
        self.assertLess(windows[0][1], 4)
        self.assertGreater(windows[-1][0], 1)
        kept = float(re.search(r"kept ([\d.]+)%", done.stdout).group(1))
        self.assertGreater(kept, 99.5)

    def test_hits_without_cluster_sizes_that_vary(self):
        done = derive(self.out, GENERIC, "detectors.csv.gz",
                      os.path.join(ROOT, "test/data/events/generic-pixel-ttbar-pu0"))
        self.assertEqual(done.returncode, 0, done.stderr)
        geometry = self.read()
        self.assertEqual(len(geometry["layer"]), 18)
        self.assertFalse(any("size_windows" in layer for layer in geometry["layer"]))
        self.assertAlmostEqual(geometry["layer"][0]["sigma_u"], 0.0144, places=4)

    def test_the_shipped_geometry_is_what_the_script_writes(self):
        """Its layers and material are those of layers.toml."""
        with open(os.path.join(PHASE1, "layers.toml"), "rb") as f:
            by_hand = tomllib.load(f)
        with open(os.path.join(PHASE1, "geometry.toml"), "rb") as f:
            shipped = tomllib.load(f)
        self.assertEqual(shipped["field"], by_hand["field"])
        self.assertEqual(shipped["beam_pipe"], by_hand["beam_pipe"])
        for a, b in zip(by_hand["layer"], shipped["layer"], strict=True):
            self.assertEqual(a, {key: b[key] for key in a})

    def test_errors_name_the_file(self):
        empty = os.path.join(self.folder.name, "empty")
        os.mkdir(empty)
        done = derive(self.out, PHASE1, "detectors.csv", empty)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no event*-truth.csv", done.stderr)
        done = derive(self.out, PHASE1, "layers.toml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("layers.toml: no column volume_id", done.stderr)
        broken = os.path.join(self.folder.name, "layers.toml")
        with open(broken, "w") as f:
            f.write("name = \n")
        done = derive(self.out, PHASE1, "detectors.csv", EVENTS, broken)
        self.assertEqual(done.returncode, 1)
        self.assertIn("layers.toml: Invalid value", done.stderr)
        self.assertFalse(os.path.exists(self.out))


if __name__ == "__main__":
    unittest.main()
