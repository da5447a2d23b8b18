"""The package helix_client against a real helixd. Skipped (exit code 77) without numpy, grpcio and grpcio-tools."""
import os
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import grpc
    import grpc_tools  # noqa: F401
    import numpy as np
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from daemon import CALL, EVENTS, SOURCE, Daemon

sys.dont_write_bytecode = True
scratch = tempfile.TemporaryDirectory(prefix="helix_python_package_test.")
subprocess.run([sys.executable, str(SOURCE / "clients/python/generate"), scratch.name], check=True, timeout=CALL)
sys.path[:0] = [scratch.name, str(SOURCE / "clients/python")]
from helix_client import RequestFailed, read_event, reconstruct, reconstruct_stream  # noqa: E402


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.hits = read_event(str(EVENTS / "event000000001"))

    @classmethod
    def tearDownClass(cls):
        assert cls.daemon.stop() == 0

    def reconstruct(self, hits, **options):
        return reconstruct(self.daemon.address, hits, timeout=CALL, **options)

    def until_nothing_is_held(self):
        deadline = time.monotonic() + CALL
        while sum(self.daemon.metrics("helixd_admitted_requests").values()) > 0:
            self.assertLess(time.monotonic(), deadline, "requests are held whose client has gone")
            time.sleep(0.02)

    def test_columns_in_columns_out(self):
        answer = self.reconstruct(self.hits)
        n = len(answer.tracks["phi"])
        self.assertGreater(n, 20)
        self.assertEqual(answer.tracks["phi"].dtype, np.float32)
        self.assertEqual(answer.tracks["covariance"].shape, (n, 15))
        self.assertEqual(answer.tracks["hit_offsets"][-1], len(answer.tracks["hit"]))
        self.assertLess(answer.tracks["hit"].max(), len(self.hits["x"]))
        self.assertGreater(len(answer.vertices["z"]), 0)
        self.assertEqual(answer.provenance["geometry"], "phase1")
        self.assertEqual(answer.time["batch_events"], 1)

    def test_a_beam_spot_moves_the_parameters(self):
        moved = self.reconstruct(self.hits, beam_spot=(0.0, 0.0, 10.0))
        here = self.reconstruct(self.hits)
        common = min(len(moved.tracks["dz"]), len(here.tracks["dz"]))
        self.assertGreater(common, 20)
        self.assertAlmostEqual(np.median(here.tracks["dz"]) - np.median(moved.tracks["dz"]), 10, delta=2)

    def test_several_events(self):
        n = len(self.hits["x"])
        twice = {name: np.concatenate([column, column]) for name, column in self.hits.items()}
        answer = self.reconstruct({**twice, "event_offsets": [0, n, 2 * n]})
        first, second = np.diff(answer.tracks["event_offsets"])
        self.assertEqual(first, second)

    def test_min_quality(self):
        best = self.reconstruct(self.hits, min_quality=2)
        self.assertTrue((best.tracks["quality"] == 2).all())
        self.assertGreater(len(best.tracks["quality"]), 0)

    def test_errors_are_those_of_the_server(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.reconstruct({**self.hits, "z": self.hits["z"][:-1]})
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("hits.z", caught.exception.details())

    def test_a_stream_answers_each_event_and_names_the_one_that_fails(self):
        events = [self.hits] * 30
        events[7] = {**self.hits, "z": self.hits["z"][:-1]}
        answers = dict(reconstruct_stream(self.daemon.address, iter(events), timeout=CALL))
        self.assertEqual(sorted(answers), list(range(30)))
        failed = answers.pop(7)
        self.assertIsInstance(failed, RequestFailed)
        self.assertEqual(failed.code, grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("hits.z", failed.details)
        phi = self.reconstruct(self.hits).tracks["phi"]
        for answer in answers.values():
            np.testing.assert_array_equal(answer.tracks["phi"], phi)

    def test_a_stream_that_is_left_or_whose_events_end_in_an_error(self):
        for number, answer in reconstruct_stream(self.daemon.address, [self.hits] * 1000, timeout=CALL):
            break
        self.until_nothing_is_held()
        with self.assertRaisesRegex(ValueError, "no column z"):
            broken = (self.hits if i < 3 else read_event(os.path.join(scratch.name, "none")) for i in range(5))
            with open(os.path.join(scratch.name, "none-hits.csv"), "w") as f:
                f.write("hit_id,x,y\n1,2,3\n")
            list(reconstruct_stream(self.daemon.address, broken, timeout=CALL))
        with self.assertRaises(grpc.RpcError) as caught:
            list(reconstruct_stream("127.0.0.1:1", [self.hits], timeout=CALL))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.until_nothing_is_held()

    def test_files_that_are_no_events(self):
        path = os.path.join(scratch.name, "bad")
        with open(path + "-hits.csv", "w") as f:
            f.write("hit_id,x,y\n1,2,3\n")
        with self.assertRaisesRegex(ValueError, "no column z"):
            read_event(path)
        with open(path + "-hits.csv", "w") as f:
            f.write("hit_id,x,y,z\n1,2,3,4\n1,2\n")
        with self.assertRaisesRegex(ValueError, "bad-hits.csv:3: 2 fields, 4 expected"):
            read_event(path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
