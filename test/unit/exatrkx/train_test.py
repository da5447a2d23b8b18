#!/usr/bin/env python3
"""scripts/train-exatrkx: truth, losses, resuming, and that what it writes is a model that the pipeline takes.
Skipped (exit code 77) without PyTorch and scipy."""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy as np
    import scipy  # noqa: F401
    import torch
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

ROOT = pathlib.Path(os.environ.get("HELIX_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
EVENTS = ROOT / "test/data/events/generic-pixel-ttbar-pu0"
HELIXCTL = os.environ.get("HELIXCTL", "helixctl")
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True
torch.set_num_threads(1)
from exatrkx import edges, graphs, networks, tracks  # noqa: E402
from exatrkx.events import follow, read_event  # noqa: E402
from exatrkx.training import Progress, Trainer  # noqa: E402

SCALES = [1000.0, 1.0, 1.0, 1000.0]


def train(out, *options):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/train-exatrkx"), "--name", "tiny", "--field", "2", "--threads", "1",
         "--out", str(out), "--test", str(EVENTS), "--embed-steps", "40", "--filter-steps", "20", "--gnn-steps", "20",
         "--embed-width", "32", "--gnn-width", "8", "--filter-width", "8", *options, str(EVENTS)],
        capture_output=True, text=True, timeout=280)


def random_graph():
    generator = torch.Generator().manual_seed(3)
    phi = 6.28 * torch.rand(50, generator=generator)
    x = torch.stack([torch.rand(50, generator=generator), phi.cos(), phi.sin(), torch.rand(50, generator=generator)], 1)
    return x, torch.randint(0, 50, (2, 200), generator=generator)


class Truth(unittest.TestCase):
    def test_hits_follow_each_other_by_distance(self):
        way = np.array([[30.0, 10, 20, 5], [0, 0, 0, 0], [3, 1, 2, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
        start = np.array([[0.0, 0], [0, 0], [0, 0], [0, 1], [0, 0]])
        pairs = follow(np.array([1, 1, 1, 0]), way, start)
        self.assertEqual(pairs.tolist(), [[1, 2], [2, 0]])

    def test_a_particle_that_comes_back_is_followed_round(self):
        turn = np.array([0.1, 3.0, 5.5])  # the last is nearer to the start than the second
        way = np.stack([np.sin(turn), 1 - np.cos(turn), 0 * turn, np.cos(turn), np.sin(turn)])
        start = np.array([[0.0, 0], [0, 0], [0, 0], [0, 1], [0, 0]])
        self.assertEqual(follow(np.array([1, 1, 1]), way, start).tolist(), [[0, 1], [1, 2]])

    def test_truth_as_tracks_scores_perfectly(self):
        event = read_event(str(EVENTS / "event000000000"))
        true = np.sort(event.pairs, axis=1)
        self.assertTrue((event.particle[true[:, 0]] == event.particle[true[:, 1]]).all())
        score = tracks.Score()
        score.add(event, tracks.components(event.n_hits, event.pairs.T, 3), 1.0, 3)
        self.assertGreater(score.asked, 5)
        self.assertEqual((score.found, score.fakes, score.duplicates), (score.asked, 0, 0))

    def test_edges_are_labelled(self):
        event = read_event(str(EVENTS / "event000000000"))
        a, b = event.pairs[0]
        other = int(np.flatnonzero(event.particle != event.particle[a])[0])
        edges_ = graphs.inside_out(event, np.array([[a, b, a], [b, a, other]]))
        self.assertEqual(graphs.label_edges(event, edges_).tolist(), [1, 1, 0])
        distance = (event.xyz ** 2).sum(1)
        self.assertTrue((distance[edges_[0]] <= distance[edges_[1]]).all())

    def test_all_pairs_within_the_radius(self):
        points = torch.rand(300, 8, generator=torch.Generator().manual_seed(5))
        pairs = graphs.radius_pairs(points, 0.6, rows=64)
        distance = torch.cdist(points.double(), points.double())
        self.assertEqual(set(map(tuple, pairs.T.tolist())),
                         set(map(tuple, torch.nonzero(torch.triu(distance <= 0.6, 1)).tolist())))


class Networks(unittest.TestCase):
    def test_training_computes_what_is_exported(self):
        torch.manual_seed(1)
        model = networks.InteractionNetwork(SCALES, 16, 2)
        x, index = random_graph()
        script = torch.jit.script(model)
        with torch.no_grad():
            self.assertLess(float((edges.train_forward(model, x, index) - script(x, index)).abs().max()), 1e-4)

    def test_the_filter_looks_at_each_edge_alone(self):
        torch.manual_seed(1)
        model = networks.EdgeFilter(SCALES, 16, 2)
        x, index = random_graph()
        whole = edges.scores(model, x, index.numpy())
        self.assertTrue(np.allclose(whole, edges.scores(model, x, index.numpy(), chunk=7), atol=1e-5))


    def test_edges_that_follow_each_other(self):
        source, target = torch.tensor([0, 1, 1, 3, 2]), torch.tensor([1, 2, 3, 4, 4])
        p, q = networks.edge_pairs(source, target, 6)
        self.assertEqual(sorted(zip(p.tolist(), q.tolist())), [(0, 1), (0, 2), (1, 4), (2, 3)])

    def test_three_hits_on_a_helix(self):
        r = torch.tensor([40.0, 100.0, 170.0])
        phi, z = 1.0 + torch.asin(0.0005 * r), 20 + 3.0 * torch.asin(0.0005 * r) / 0.0005  # curvature 0.001 / mm
        x = torch.stack([r / 1000, phi.cos(), phi.sin(), z / 1000], 1)
        bend, off, curvature, dxy, _, slope = networks.triplet_features(x[:1], x[1:2], x[2:], torch.tensor(SCALES))[0]
        self.assertAlmostEqual(math.sinh(curvature) / 2000, 0.001, delta=1e-6)
        self.assertLess(abs(math.sinh(dxy)), 0.01)
        self.assertAlmostEqual(math.sinh(slope), 3, delta=0.01)
        self.assertLess(abs(math.sinh(bend)), 0.1)

    def test_triplets_are_exported_as_trained(self):
        torch.manual_seed(1)
        model = networks.TripletNetwork(SCALES, 8, 2)
        x, index = random_graph()
        with torch.no_grad():
            self.assertTrue(torch.equal(model(x, index), torch.jit.script(model)(x, index)))
            none = model(x, index[:, :0])
        self.assertEqual(none.shape, (0,))


class Walk(unittest.TestCase):
    def test_the_best_edges_are_taken_and_each_hit_once(self):
        edges_ = np.array([[0, 1, 0, 3, 4], [1, 2, 4, 4, 5]])
        label = tracks.walk(6, edges_, np.array([3.0, 2.0, 1.0, 2.5, 2.0]), 0.0, 3)
        self.assertEqual(len(set(label[:3])), 1)
        self.assertEqual(len(set(label[3:])), 1)
        self.assertNotEqual(label[0], label[3])


class Join(unittest.TestCase):
    def test_pieces_of_one_helix(self):
        event = read_event(str(EVENTS / "event000000000"))
        whole = tracks.components(event.n_hits, event.pairs.T, 3)
        of_one = max(np.unique(whole[whole >= 0]), key=lambda t: (whole == t).sum())
        hits = np.flatnonzero(whole == of_one)
        hits = hits[np.argsort((event.xyz[hits] ** 2).sum(1))]
        pieces = np.full_like(whole, -1)
        pieces[hits[:3]], pieces[hits[3:]] = 0, 1
        self.assertEqual(len(set(tracks.join(event, pieces, 1.0, 2.0)[hits])), 1)
        self.assertEqual(len(set(tracks.join(event, pieces, 1e-6, 1e-6)[hits])), 2)


class Resume(unittest.TestCase):
    def learn(self, folder, stop_at=None):
        torch.manual_seed(7)
        model = torch.nn.Linear(3, 1)
        trainer = Trainer("line", model, pathlib.Path(folder), 20, 1e-2, 7, Progress())

        def loss(generator):
            if trainer.step == stop_at:
                trainer.save()
                raise KeyboardInterrupt
            x = torch.from_numpy(generator.normal(size=(8, 3)).astype(np.float32))
            return ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()

        trainer.run(loss)
        return model

    def test_an_interrupted_training_ends_as_an_uninterrupted_one(self):
        with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
            with self.assertRaises(KeyboardInterrupt):
                self.learn(a, stop_at=9)
            self.assertTrue(torch.equal(self.learn(a).weight, self.learn(b).weight))


class Program(unittest.TestCase):
    def test_a_model_folder_that_the_pipeline_takes(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "tiny"
            done = train(out)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("# Model tiny", (out / "README.md").read_text())
            report = json.loads((pathlib.Path(folder) / "tiny.work/report.json").read_text())
            self.assertGreater(report["stages"]["embedding"]["efficiency"], 0.1)
            again = train(pathlib.Path(folder) / "again")
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual((out / "model.toml").read_text(),
                             (pathlib.Path(folder) / "again/model.toml").read_text())  # with the digests of the networks
            called = subprocess.run(
                [HELIXCTL, "reconstruct", "--local", "--pipeline", "exatrkx", "--model", str(out), "--out",
                 str(pathlib.Path(folder) / "tracks"), str(EVENTS)], capture_output=True, text=True, timeout=120)
            if "without LibTorch" not in called.stderr:
                self.assertEqual(called.returncode, 0, called.stderr)

    def test_what_is_missing_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "event000000000-hits.csv").write_text("hit_id,x,y\n1,2,3\n")
            done = subprocess.run(
                [sys.executable, str(ROOT / "scripts/train-exatrkx"), "--name", "a", "--field", "2", "--out",
                 folder + "/a", folder], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn("event000000000-hits.csv: has no column z, volume_id, layer_id", done.stderr)


if __name__ == "__main__":
    unittest.main()
