"""The exatrkx pipeline through helixctl and the Python package: space points in, labels out, of a server and --local.

The events are published ones with every stage stored (test/data/exatrkx). Skipped (exit code 77) without numpy, grpcio,
grpcio-tools, or where helixd was built without LibTorch.
"""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import grpc
    import grpc_tools  # noqa: F401
    import numpy as np
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from daemon import CALL, HELIXCTL, HELIXD, SOURCE, Daemon

DATA = SOURCE / "test/data/exatrkx"
MODEL = DATA / "models/geometric-lrt"
EVENTS = ["evt_021", "evt_085"]
ALL_WELL, SOME_FAILED, BAD_INPUT = 0, 1, 2

sys.dont_write_bytecode = True
scratch = tempfile.TemporaryDirectory(prefix="helix_exatrkx_test.")
subprocess.run([sys.executable, str(SOURCE / "clients/python/generate"), scratch.name], check=True, timeout=CALL)
sys.path[:0] = [scratch.name, str(SOURCE / "clients/python")]
from helix_client import read_event, reconstruct  # noqa: E402


def helixctl(*arguments):
    return subprocess.run([HELIXCTL, *map(str, arguments)], capture_output=True, text=True, timeout=CALL)


def stored(event, name):
    return np.loadtxt(DATA / "geometric" / event / name, delimiter=",", skiprows=1, ndmin=2)


def write_space_points(path, event):
    """A stored event as ACTS writes space points."""
    r, phi, z = stored(event, "features.csv").T * np.array([[1000.], [np.pi], [1000.]])
    rows = zip(range(len(r)), r * np.cos(phi), r * np.sin(phi), z)
    path.write_text("measurement_id,x,y,z,var_r,var_z\n" +
                    "".join(f"{i},{x:.9g},{y:.9g},{zz:.9g},0.001,0\n" for i, x, y, zz in rows))


def same_partition(a, b):
    return len(set(zip(a, b))) == len(set(a)) == len(set(b))


class Exatrkx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(scratch.name)
        cls.points = [cls.folder / f"{event}.csv" for event in EVENTS]
        for path, event in zip(cls.points, EVENTS):
            write_space_points(path, event)
        cls.daemon = Daemon("--exatrkx-models", str(MODEL), "--cpu-threads", "1")

    @classmethod
    def tearDownClass(cls):
        assert cls.daemon.stop() == 0, "helixd's exit code after SIGTERM"

    def run_into(self, name, *arguments):
        out = self.folder / name
        run = helixctl("reconstruct", "--pipeline", "exatrkx", "--labels", "--out", out, *arguments, *self.points)
        self.assertEqual(run.returncode, ALL_WELL, run.stderr)
        return {path.name: path.read_bytes() for path in sorted(out.iterdir())}

    def test_server_and_local_write_the_same_bytes(self):
        local = self.run_into("local", "--local", "--model", MODEL)
        self.assertEqual(len(local), 3 * len(EVENTS))
        self.assertEqual(self.run_into("server", "--server", self.daemon.address, "--in-flight", "1"), local)

    def test_labels_are_the_stored_components_for_any_batch(self):
        for options in (["--batch", "2"], ["--in-flight", "2"]):
            self.run_into("labels", "--server", self.daemon.address, *options)
            for event in EVENTS:
                with open(self.folder / "labels" / f"{event}-labels.csv") as f:
                    label = [int(row["track_id"]) for row in csv.DictReader(f)]
                component = stored(event, "components.csv")[:, -1].astype(int).tolist()
                self.assertTrue(same_partition(label, component), (event, options))
                self.assertTrue(all(label), "every point has a label")

    def test_threads_of_local_change_no_label(self):
        labels = [{name: text for name, text in self.run_into(f"threads{n}", "--local", "--model", MODEL, "--threads",
                                                              n).items() if "labels" in name} for n in (1, 2)]
        self.assertEqual(labels[0], labels[1])

    def test_python_package(self):
        hits = read_event(str(self.points[1]))
        answer = reconstruct(self.daemon.address, hits, pipeline="exatrkx/geometric-lrt", timeout=CALL)
        self.assertEqual(answer.provenance["pipeline"], "exatrkx/geometric-lrt")
        self.assertTrue(same_partition(answer.labels().tolist(), stored(EVENTS[1], "components.csv")[:, -1].tolist()))
        n = len(hits["x"])
        twice = {name: np.concatenate([column, column]) for name, column in hits.items()}
        both = reconstruct(self.daemon.address, {**twice, "event_offsets": [0, n, 2 * n]}, pipeline="exatrkx",
                           timeout=CALL)
        self.assertEqual(both.labels(0).tolist(), answer.labels().tolist())
        self.assertEqual(both.labels(1).tolist(), answer.labels().tolist())

    def test_space_points_are_nothing_for_patatrack(self):
        run = helixctl("reconstruct", "--server", self.daemon.address, "--out", self.folder / "none", self.points[0])
        self.assertEqual(run.returncode, SOME_FAILED, run.stderr)
        self.assertIn("hits have no modules", run.stderr)

    def test_pipelines_are_described(self):
        run = helixctl("pipelines", "--server", self.daemon.address, "--json")
        listed = {pipeline["pipeline"]: pipeline for pipeline in json.loads(run.stdout)}
        self.assertEqual(set(listed), {"patatrack", "exatrkx/geometric-lrt", "echo"})
        self.assertEqual(listed["patatrack"]["hit_columns"], ["var_u", "var_v", "size_u", "size_v"])
        self.assertEqual(listed["exatrkx/geometric-lrt"]["hit_columns"], [])
        self.assertIn(("graph", "radius", "1.6"), [(p["stage"], p["name"], p["value"][:3]) for p in
                                                   listed["exatrkx/geometric-lrt"]["parameters"]])
        self.assertEqual(helixctl("health", "--server", self.daemon.address, "exatrkx/geometric-lrt").returncode, 0)

    def test_local_without_or_with_a_broken_model(self):
        run = helixctl("reconstruct", "--local", "--pipeline", "exatrkx", "--out", self.folder / "none", self.points[0])
        self.assertEqual(run.returncode, BAD_INPUT)  # the shipped models are looked for from where it is called
        self.assertIn("config/models/phase1/model.toml: no such file", run.stderr)
        run = helixctl("reconstruct", "--local", "--pipeline", "exatrkx", "--out", self.folder / "none", "--model",
                       self.folder / "nowhere", self.points[0])
        self.assertEqual(run.returncode, BAD_INPUT)
        self.assertIn("nowhere/model.toml: no such file", run.stderr)

    def test_the_daemon_is_ready_when_it_is_warm(self):
        """The port file comes after the lanes: the log says nothing of a cold one, and the first answer has its stages."""
        self.assertNotIn("lane.cold", self.daemon.log_text())


def without_libtorch():
    run = subprocess.run([HELIXD, "--check-config", "--geometry", str(SOURCE / "config/geometry/phase1"),
                          "--exatrkx-models", str(MODEL)], capture_output=True, text=True, timeout=CALL)
    return "model geometric-lrt" not in run.stdout


if __name__ == "__main__":
    if without_libtorch():
        print("skipped: helixd was built without LibTorch")
        sys.exit(77)
    unittest.main(verbosity=2)
