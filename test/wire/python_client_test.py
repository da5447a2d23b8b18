"""An independent client: the generated stubs alone, against a real helixd.

Answers are those of `helixctl reconstruct --local`; every error of the wire contract is provoked, and after each the
server goes on. Needs numpy, grpcio and grpcio-tools; without them the test is skipped (exit code 77).
"""
import csv
import gzip
import importlib.machinery
import importlib.util
import os
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

from daemon import CALL, EVENTS, GEOMETRY, HELIXCTL, SOURCE, START, Daemon  # noqa: E402


scratch = tempfile.TemporaryDirectory(prefix="helix_python_client_test.")


def load_stubs():
    """helix.v1 as `clients/python/generate` makes it."""
    path = str(SOURCE / "clients/python/generate")
    loader = importlib.machinery.SourceFileLoader("generate", path)
    sys.dont_write_bytecode = True
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("generate", loader))
    loader.exec_module(module)
    stubs = os.path.join(scratch.name, "stubs")
    if module.generate(stubs) != 0:
        raise SystemExit("protoc failed")
    sys.path.insert(0, stubs)


load_stubs()
from helix.v1 import reconstruct_pb2 as pb  # noqa: E402
from helix.v1 import reconstruct_pb2_grpc as rpc  # noqa: E402


def columns(path):
    with gzip.open(path, "rt") as f:
        rows = list(csv.reader(f))
    return {name: np.array(column, float) for name, column in zip(rows[0], zip(*rows[1:]))}


def hits_of(name):
    return columns(EVENTS / f"{name}-hits.csv.gz")


def request_of(*events, pipeline="patatrack", request_id=""):
    """Events end to end, modules by TrackML's numbers."""
    request = pb.ReconstructRequest(pipeline=pipeline, request_id=request_id)
    total = 0
    request.hits.event_offsets.append(0)
    for event in events:
        for column in ("x", "y", "z"):
            getattr(request.hits, column).extend(event[column].tolist())
        for column in ("volume_id", "layer_id", "module_id"):
            getattr(request.hits, column).extend(event[column].astype(int).tolist())
        total += len(event["x"])
        request.hits.event_offsets.append(total)
    return request


def channel_to(daemon):
    return grpc.insecure_channel(daemon.address, [("grpc.max_send_message_length", -1),
                                                  ("grpc.max_receive_message_length", -1)])


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.channel = channel_to(cls.daemon)
        grpc.channel_ready_future(cls.channel).result(START)
        cls.stub = rpc.ReconstructionStub(cls.channel)
        cls.events = {name: hits_of(name) for name in ("event000000000", "event000000001")}

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        assert cls.daemon.stop() == 0, "helixd's exit code after SIGTERM"

    def reconstruct(self, request):
        return self.stub.Reconstruct(request, timeout=CALL)

    def refused(self, request, code, *words):
        """The call fails with this code, the message holds these words, and the next valid call succeeds."""
        with self.assertRaises(grpc.RpcError) as caught:
            self.reconstruct(request)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        for word in words:
            self.assertIn(word, caught.exception.details())
        self.assertEqual(list(self.reconstruct(request_of(self.events["event000000001"])).tracks.event_offsets)[0], 0)

    def invalid(self, request, *words):
        self.refused(request, grpc.StatusCode.INVALID_ARGUMENT, *words)

    def small(self):
        return request_of(self.events["event000000001"])

    # --- streams

    def test_a_stream_answers_each_request_and_the_wrong_ones_by_their_errors(self):
        small = self.events["event000000001"]
        alone = self.reconstruct(request_of(small)).tracks
        wrong = request_of(small, request_id="wrong")
        wrong.hits.y[5] = float("nan")

        def requests():
            for i in range(20):
                yield request_of(small, request_id=str(i))
            yield wrong

        answers = {answer.request_id: answer for answer in self.stub.ReconstructStream(requests(), timeout=CALL)}
        self.assertEqual(sorted(answers), sorted([*map(str, range(20)), "wrong"]))
        self.assertEqual(answers["wrong"].error.code, grpc.StatusCode.INVALID_ARGUMENT.value[0])
        self.assertIn("hits.y[5]", answers["wrong"].error.message)
        for i in range(20):
            self.assertFalse(answers[str(i)].HasField("error"))
            self.assertEqual(answers[str(i)].tracks, alone)

    # --- answers

    def test_answers_are_those_of_the_local_pipeline(self):
        out = os.path.join(scratch.name, "local")
        prefixes = [str(EVENTS / name) for name in self.events]
        subprocess.run([HELIXCTL, "reconstruct", "--local", "--geometry", str(GEOMETRY), "--out", out, *prefixes],
                       check=True, timeout=CALL)
        answer = self.reconstruct(request_of(*self.events.values(), request_id="both"))
        self.assertEqual(answer.request_id, "both")
        self.assertEqual(len(answer.counters), 2)
        for row, (name, hits) in enumerate(self.events.items()):
            self.compare_tracks(answer.tracks, row, hits, os.path.join(out, f"{name}-tracks.csv"))
            self.compare_vertices(answer.vertices, row, os.path.join(out, f"{name}-reco-vertices.csv"))

    def compare_tracks(self, tracks, row, hits, path):
        begin, end = tracks.event_offsets[row:row + 2]
        with open(path) as f:
            lines = list(csv.DictReader(f))
        self.assertEqual(len(lines), end - begin)
        self.assertGreater(len(lines), 50)
        covariance = np.array(tracks.covariance, np.float32).reshape(-1, 15)
        same_bits = {"phi": tracks.phi, "dxy": tracks.dxy, "dz": tracks.dz, "chi2": tracks.chi2,
                     "var_phi": covariance[:, 0], "var_dxy": covariance[:, 5], "var_qoverpt": covariance[:, 9],
                     "var_cottheta": covariance[:, 12], "var_dz": covariance[:, 14]}
        for i, line in enumerate(lines, begin):
            members = np.array(tracks.hit[tracks.hit_offsets[i]:tracks.hit_offsets[i + 1]])
            self.assertEqual([int(h) for h in line["hit_ids"].split()], hits["hit_id"][members].astype(int).tolist())
            for column, values in same_bits.items():
                self.assertEqual(np.float32(line[column]), np.float32(values[i]), (path, i, column))
            np.testing.assert_allclose(float(line["pt"]), 1 / abs(tracks.q_over_pt[i]), rtol=1e-6)
            np.testing.assert_allclose(float(line["eta"]), np.arcsinh(tracks.cot_theta[i]), rtol=1e-5, atol=1e-6)
            self.assertEqual(int(line["charge"]), 1 if tracks.q_over_pt[i] > 0 else -1)
            self.assertEqual((int(line["ndof"]), int(line["quality"])), (tracks.ndof[i], tracks.quality[i]))

    def compare_vertices(self, vertices, row, path):
        begin, end = vertices.event_offsets[row:row + 2]
        with open(path) as f:
            lines = list(csv.DictReader(f))
        self.assertEqual(len(lines), end - begin)
        self.assertGreater(len(lines), 0)
        for i, line in enumerate(lines, begin):
            for column in ("x", "y", "z", "var_z", "sum_pt2", "chi2"):
                self.assertEqual(np.float32(line[column]), np.float32(getattr(vertices, column)[i]), (path, i, column))
            self.assertEqual(int(line["n_tracks"]), vertices.n_tracks[i])

    def test_an_answer_does_not_depend_on_its_neighbours(self):
        alone = self.reconstruct(request_of(self.events["event000000001"]))
        both = self.reconstruct(request_of(self.events["event000000000"], self.events["event000000001"]))
        begin = both.tracks.event_offsets[1]
        self.assertEqual(list(alone.tracks.phi), list(both.tracks.phi)[begin:])
        self.assertEqual(list(alone.tracks.dz), list(both.tracks.dz)[begin:])

    def test_module_index_and_module_numbers_mean_the_same(self):
        with open(GEOMETRY / "detectors.csv") as f:
            rows = {tuple(int(r[c]) for c in ("volume_id", "layer_id", "module_id")): i
                    for i, r in enumerate(csv.DictReader(f))}
        by_numbers = self.small()
        by_index = self.small()
        numbers = zip(by_index.hits.volume_id, by_index.hits.layer_id, by_index.hits.module_id)
        by_index.hits.module_index.extend([rows[n] for n in numbers])
        for column in ("volume_id", "layer_id", "module_id"):
            by_index.hits.ClearField(column)
        self.assertEqual(self.reconstruct(by_index).tracks, self.reconstruct(by_numbers).tracks)

    def test_empty_events_are_ordinary(self):
        nothing = {name: column[:0] for name, column in self.events["event000000001"].items()}
        answer = self.reconstruct(request_of(nothing, self.events["event000000001"], nothing))
        self.assertEqual(len(answer.tracks.event_offsets), 4)
        self.assertEqual(answer.tracks.event_offsets[1], 0)
        self.assertEqual(answer.tracks.event_offsets[2], answer.tracks.event_offsets[3])
        self.assertGreater(answer.tracks.event_offsets[2], 0)

    def test_no_offsets_mean_one_event(self):
        request = self.small()
        request.hits.ClearField("event_offsets")
        self.assertEqual(self.reconstruct(request).tracks, self.reconstruct(self.small()).tracks)

    # --- errors

    def test_unequal_columns(self):
        request = self.small()
        request.hits.y.append(1.0)
        self.invalid(request, "y")

    def test_unequal_optional_column(self):
        request = self.small()
        request.hits.var_u.extend([0.1, 0.1])
        self.invalid(request, "var_u", "2")

    def test_not_a_number(self):
        request = self.small()
        request.hits.z[17] = float("nan")
        self.invalid(request, "hits.z[17]", "NaN")

    def test_infinite(self):
        request = self.small()
        request.hits.x[3] = float("inf")
        self.invalid(request, "x[3]")

    def test_unknown_module(self):
        request = self.small()
        request.hits.module_id[5] = 60000
        self.invalid(request, "60000", "5")

    def test_unknown_module_index(self):
        request = self.small()
        for column in ("volume_id", "layer_id", "module_id"):
            request.hits.ClearField(column)
        request.hits.module_index.extend([0] * len(request.hits.x))
        request.hits.module_index[4] = 999999
        self.invalid(request, "module_index[4]", "999999")

    def test_offsets_that_decrease(self):
        request = request_of(self.events["event000000001"], self.events["event000000001"])
        n = len(request.hits.x)
        request.hits.event_offsets[:] = [0, n, n - 3, n]
        self.invalid(request, "event_offsets")

    def test_offsets_that_do_not_end_at_the_hits(self):
        request = self.small()
        request.hits.event_offsets[1] += 1
        self.invalid(request, "event_offsets")

    def test_offsets_that_do_not_start_at_zero(self):
        request = self.small()
        request.hits.event_offsets[0] = 1
        self.invalid(request, "event_offsets")

    def test_no_events(self):
        request = self.small()
        del request.hits.event_offsets[1:]
        self.invalid(request, "event")

    def test_no_modules(self):
        request = self.small()
        for column in ("volume_id", "layer_id", "module_id"):
            request.hits.ClearField(column)
        self.invalid(request, "module")

    def test_beam_spots_of_another_number_of_events(self):
        request = self.small()
        for axis in "xyz":
            getattr(request.hits, "beam_" + axis).extend([0.0, 0.0, 0.0])
        self.invalid(request, "beam")

    def test_unknown_pipeline(self):
        request = self.small()
        request.pipeline = "magic"
        self.refused(request, grpc.StatusCode.NOT_FOUND, "magic")

    def test_over_the_limit_of_events(self):
        limits = self.stub.DescribePipeline(pb.DescribePipelineRequest(pipeline="patatrack"), timeout=CALL).limits
        request = pb.ReconstructRequest(pipeline="patatrack")
        request.hits.event_offsets.extend([0] * (limits.max_events + 2))
        self.refused(request, grpc.StatusCode.RESOURCE_EXHAUSTED, f"{limits.max_events:,}")

    def test_over_the_limit_of_hits(self):
        daemon = Daemon("--limits-max-hits", "100")
        self.addCleanup(daemon.stop)
        with channel_to(daemon) as channel, self.assertRaises(grpc.RpcError) as caught:
            rpc.ReconstructionStub(channel).Reconstruct(self.small(), timeout=CALL)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("limit 100", caught.exception.details())

    def test_bytes_that_are_no_message(self):
        call = self.channel.unary_unary("/helix.v1.Reconstruction/Reconstruct")
        with self.assertRaises(grpc.RpcError) as caught:
            call(b"\xff\xff\xff", timeout=CALL)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    # --- the other services

    def test_pipelines(self):
        self.assertIn("patatrack", self.stub.ListPipelines(pb.ListPipelinesRequest(), timeout=CALL).pipelines)
        description = self.stub.DescribePipeline(pb.DescribePipelineRequest(pipeline="patatrack"), timeout=CALL)
        self.assertEqual(description.modules, 1856)
        self.assertIn("min_pt", {p.name for p in description.parameters})
        with self.assertRaises(grpc.RpcError) as caught:
            self.stub.DescribePipeline(pb.DescribePipelineRequest(pipeline="magic"), timeout=CALL)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_health(self):
        # HealthCheckRequest{service = 1}, HealthCheckResponse{status = 1}, by hand: no stubs needed
        check = self.channel.unary_unary("/grpc.health.v1.Health/Check")
        self.assertEqual(check(b"", timeout=CALL), b"\x08\x01")
        self.assertEqual(check(b"\x0a\x09patatrack", timeout=CALL), b"\x08\x01")
        with self.assertRaises(grpc.RpcError) as caught:
            check(b"\x0a\x05magic", timeout=CALL)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_reflection(self):
        # ServerReflectionRequest{list_services = 7}
        ask = self.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        answer = next(ask(iter([b"\x3a\x01*"]), timeout=CALL))
        self.assertIn(b"helix.v1.Reconstruction", answer)
        self.assertIn(b"grpc.health.v1.Health", answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
