"""helixctl as people and batch jobs call it: files, messages, exit codes. Needs nothing beyond Python's own library."""
import csv
import gzip
import json
import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import time
import unittest

from daemon import CALL, EVENTS, GEOMETRY, HELIXCTL, SOURCE, Daemon

ALL_WELL, SOME_FAILED, BAD_INPUT, NO_SERVER = 0, 1, 2, 3
NAMES = ["event000000000", "event000000001"]
NOWHERE = "127.0.0.1:1"  # reserved, and nobody listens there


def helixctl(*arguments, **environment):
    return subprocess.run([HELIXCTL, *map(str, arguments)], capture_output=True, text=True, timeout=CALL,
                          env={**os.environ, **environment})


class Helixctl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        assert cls.daemon.stop() == 0, "helixd's exit code after SIGTERM"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="helixctl_test.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out"

    def reconstruct(self, *arguments):
        return helixctl("reconstruct", "--server", self.daemon.address, "--out", self.out, *arguments)

    def local(self, *arguments, out=None):
        return helixctl("reconstruct", "--local", "--geometry", GEOMETRY, "--out", out or self.out, *arguments)

    def ended(self, run, code, *words):
        """Exit code, and words that are all in what was said on stderr."""
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertEqual(run.stdout, "")
        for word in words:
            self.assertIn(word, run.stderr)

    def event(self, name, change=lambda lines: lines):
        """A hits file of its own: those of the second event, changed; its path."""
        with gzip.open(EVENTS / f"{NAMES[1]}-hits.csv.gz", "rt") as f:
            lines = f.read().splitlines()
        path = self.folder / f"{name}-hits.csv"
        path.write_text("\n".join(change(lines)) + "\n")
        return path

    def written(self, folder=None):
        folder = folder or self.out
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.exists() else {}

    # --- reconstruct

    def test_server_and_local_write_the_same_bytes(self):
        self.ended(self.local("--labels", EVENTS), ALL_WELL, "2 events, 3213 hits")
        local = self.written()
        self.assertEqual(sorted(local), sorted(f"{name}-{kind}.csv" for name in NAMES
                                               for kind in ("tracks", "reco-vertices", "labels")))
        for options in ([], ["--batch", "2"], ["--in-flight", "1"]):
            shutil.rmtree(self.out)
            self.ended(self.reconstruct("--labels", *options, EVENTS), ALL_WELL, "2 events, 3213 hits")
            self.assertEqual(self.written(), local, options)

    def test_local_does_not_depend_on_threads_or_batches(self):
        self.ended(self.local(EVENTS), ALL_WELL)
        other = self.folder / "other"
        self.ended(self.local("--threads", "2", "--batch", "2", EVENTS, out=other), ALL_WELL)
        self.assertEqual(self.written(), self.written(other))

    def test_prefixes_files_and_folders_name_events(self):
        self.ended(self.reconstruct(EVENTS / NAMES[0], EVENTS / f"{NAMES[1]}-hits.csv.gz"), ALL_WELL)
        self.assertEqual(len(self.written()), 4)

    def test_labels_are_those_of_the_tracks(self):
        self.ended(self.reconstruct("--labels", EVENTS / NAMES[1]), ALL_WELL)
        with open(self.out / f"{NAMES[1]}-tracks.csv") as f:
            tracks = {int(row["track_id"]): set(row["hit_ids"].split()) for row in csv.DictReader(f)}
        with open(self.out / f"{NAMES[1]}-labels.csv") as f:
            labels = {row["hit_id"]: int(row["track_id"]) for row in csv.DictReader(f)}
        self.assertEqual(len(labels), 811)
        self.assertEqual({hit for hit, track in labels.items() if track}, set().union(*tracks.values()))
        self.assertTrue(all(hit in tracks[track] for hit, track in labels.items() if track))

    def test_an_event_without_hits_is_ordinary(self):
        path = self.event("event000000007", lambda lines: lines[:1])
        self.ended(self.reconstruct("--batch", "2", path, EVENTS / NAMES[1]), ALL_WELL, "2 events")
        self.assertEqual(len((self.out / "event000000007-tracks.csv").read_text().splitlines()), 1)

    def test_a_beam_spot_and_a_quality_are_sent(self):
        self.ended(self.reconstruct("--beam-spot", "0,0,10", "--min-quality", "2", EVENTS), ALL_WELL)
        sent = self.written()
        other = self.folder / "other"
        self.ended(self.local("--beam-spot", "0,0,10", "--min-quality", "2", EVENTS, out=other), ALL_WELL)
        self.assertEqual(sent, self.written(other))
        plain = self.folder / "plain"
        self.ended(self.local(EVENTS, out=plain), ALL_WELL)
        self.assertNotEqual(sent, self.written(plain))

    # --- bad files: named exactly, and valid events of the same call are written

    def bad_file(self, path, *words):
        for options in ([], ["--batch", "2"]):
            shutil.rmtree(self.out, ignore_errors=True)
            self.ended(self.reconstruct(*options, path, EVENTS / NAMES[1]), BAD_INPUT, *words, "1 events", "1 not readable")
            self.assertEqual(sorted(self.written()), [f"{NAMES[1]}-reco-vertices.csv", f"{NAMES[1]}-tracks.csv"])

    def test_missing_column(self):
        path = self.event("event000000002", lambda lines: [lines[0].replace("y", "why"), *lines[1:]])
        self.bad_file(path, str(path), "no column y")

    def test_text_in_a_number(self):
        path = self.event("event000000002", lambda lines: [*lines[:4], lines[4].replace(",", ",fast,", 1).replace(
            lines[4].split(",")[1] + ",", "", 1), *lines[5:]])
        self.bad_file(path, f"{path}:5: column x", "fast")

    def test_a_number_that_is_not_finite(self):
        def change(lines):
            fields = lines[9].split(",")
            return [*lines[:9], ",".join([*fields[:3], "nan", *fields[4:]]), *lines[10:]]
        path = self.event("event000000002", change)
        self.bad_file(path, f"{path}:10: column z", "nan")

    def test_truncated_line(self):
        path = self.event("event000000002", lambda lines: [*lines[:-1], ",".join(lines[-1].split(",")[:4])])
        self.bad_file(path, f"{path}:812: 4 fields, 7 expected")

    def test_missing_file(self):
        path = self.folder / "event000000002"
        self.bad_file(path, str(path), "no such file")

    def test_a_file_that_is_not_trackml(self):
        path = self.folder / "event000000002-hits.csv"
        path.write_text("This is a letter.\nNot an event.\n")
        self.bad_file(path, str(path), "not a TrackML hits file")

    def test_empty_file(self):
        path = self.folder / "event000000002-hits.csv"
        path.write_text("")
        self.bad_file(path, str(path), "empty file")

    def test_truncated_gzip(self):
        path = self.folder / "event000000002-hits.csv.gz"
        path.write_bytes((EVENTS / f"{NAMES[1]}-hits.csv.gz").read_bytes()[:2000])
        self.bad_file(path, str(path))

    # --- events that the server refuses

    def test_an_event_that_fails_is_named_and_the_others_are_written(self):
        def other_module(lines):
            fields = lines[7].split(",")
            return [*lines[:7], ",".join([*fields[:6], "60000"]), *lines[8:]]
        path = self.event("event000000003", other_module)
        for where in (self.reconstruct, self.local):
            for options in ([], ["--batch", "3"]):
                shutil.rmtree(self.out, ignore_errors=True)
                run = where(*options, EVENTS / NAMES[0], path, EVENTS / NAMES[1])
                self.ended(run, SOME_FAILED, "event000000003: ", "[6]", "60000", "2 events", "1 failed")
                self.assertEqual(len(self.written()), 4)
                self.assertEqual(run.stderr.count("60000"), 1)

    # --- no server

    def test_no_server(self):
        for command in (["reconstruct", "--out", self.out, EVENTS], ["health"], ["pipelines"]):
            run = helixctl(*command, "--server", NOWHERE, "--connect-timeout", "0.2")
            self.ended(run, NO_SERVER, NOWHERE)

    def test_the_environment_names_the_server(self):
        run = helixctl("health", "--connect-timeout", "0.2", HELIX_SERVER=NOWHERE)
        self.ended(run, NO_SERVER, NOWHERE)
        self.assertEqual(helixctl("health", HELIX_SERVER=self.daemon.address).returncode, ALL_WELL)

    def test_a_server_that_dies(self):
        n = 1000
        events = self.folder / "many"
        events.mkdir()
        for i in range(n):
            (events / f"event{i:09d}-hits.csv.gz").symlink_to(EVENTS / f"{NAMES[0]}-hits.csv.gz")
        daemon = Daemon()
        self.addCleanup(daemon.stop)
        run = subprocess.Popen([HELIXCTL, "reconstruct", "--server", daemon.address, "--out", str(self.out),
                                "--in-flight", "2", "--timeout", "1", str(events)],
                               stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + CALL
        while not list(self.out.glob("*-tracks.csv")) and time.monotonic() < deadline:
            time.sleep(0.01)
        daemon.process.kill()
        stderr = run.communicate(timeout=CALL)[1]
        self.assertEqual(run.returncode, NO_SERVER, stderr[-1000:])
        written = len(list(self.out.glob("*-tracks.csv")))
        named = [line for line in stderr.splitlines() if line.startswith("helixctl: event")]
        self.assertEqual(written + len(named), n)
        self.assertGreater(written, 0)
        self.assertIn(daemon.address, stderr)

    # --- usage

    def test_bad_usage(self):
        for arguments in ([], ["no-such-command"], ["reconstruct"], ["reconstruct", EVENTS], ["validate", EVENTS],
                          ["health", "--no-such-flag"], ["health", "--connect-timeout", "soon"],
                          ["reconstruct", "--out", self.out, "--threads", "2", EVENTS],
                          ["bench", "--threads", "2", EVENTS], ["bench", "--geometry", GEOMETRY, EVENTS],
                          ["bench", "--local", "--client", "me", EVENTS], ["bench", "--local", "--server-pid", "1", EVENTS],
                          ["bench", "--local", "--connections", "2", EVENTS], ["bench", "--most-clients", "8", EVENTS],
                          ["bench", "--cancel-within", "1", EVENTS],
                          ["reconstruct", "--out", self.out, "--local", "--beam-spot", "1,2", EVENTS],
                          ["reconstruct", "--out", self.out, "--local", "--geometry", "no/such", EVENTS],
                          ["reconstruct", "--out", self.out, "--local", "--geometry", GEOMETRY, "--pipeline", "magic",
                           EVENTS]):
            run = helixctl(*arguments)
            self.assertEqual(run.returncode, BAD_INPUT, (arguments, run.stderr))
            self.assertNotEqual(run.stderr, "", arguments)

    def test_unknown_pipeline_of_a_server(self):
        self.ended(self.reconstruct("--pipeline", "magic", EVENTS), BAD_INPUT, "magic")

    def test_two_events_of_one_name(self):
        self.ended(self.reconstruct(EVENTS / NAMES[1], self.event(NAMES[1])), BAD_INPUT, "both", NAMES[1])
        self.assertEqual(self.written(), {})

    def test_a_folder_that_cannot_be_written(self):
        (self.folder / "file").write_text("")
        run = helixctl("reconstruct", "--server", self.daemon.address, "--out", self.folder / "file", EVENTS)
        self.ended(run, BAD_INPUT, str(self.folder / "file"))

    def test_version_and_help(self):
        self.assertRegex(helixctl("--version").stdout, r"^\d+\.\d+\.\d+\n$")
        self.assertIn("Exit codes", helixctl("--help").stdout)

    # --- what is said

    def test_quiet_in_pipes(self):
        run = self.reconstruct(EVENTS)
        self.assertEqual(run.stdout, "")
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertNotIn("\r", run.stderr)

    def test_a_bar_on_terminals(self):
        ours, terminal = pty.openpty()
        run = subprocess.Popen([HELIXCTL, "reconstruct", "--server", self.daemon.address, "--out", str(self.out),
                                str(EVENTS)], stderr=terminal)
        os.close(terminal)
        said = b""
        try:
            while chunk := os.read(ours, 4096):
                said += chunk
        except OSError:  # the other side is closed
            pass
        os.close(ours)
        self.assertEqual(run.wait(CALL), ALL_WELL)
        self.assertIn(b"] 2/2 events", said)
        self.assertIn(b"2 events, 3213 hits", said)

    # --- the other subcommands

    def test_health(self):
        for service in ([], ["patatrack"]):
            run = helixctl("health", "--server", self.daemon.address, *service)
            self.assertEqual(run.returncode, ALL_WELL, run.stderr)
            self.assertIn(": SERVING", run.stdout)
        self.ended(helixctl("health", "--server", self.daemon.address, "magic"), BAD_INPUT, self.daemon.address)

    def test_echo_labels_all_hits_alike_from_the_server_and_locally(self):
        for where in (["--server", self.daemon.address], ["--local"]):
            out = os.path.join(self.out, where[0])
            run = helixctl("reconstruct", *where, "--pipeline", "echo", "--labels", "--out", out, EVENTS)
            self.ended(run, ALL_WELL)
            labels = sorted(pathlib.Path(out).glob("*-labels.csv"))
            self.assertTrue(labels)
            for path in labels:
                rows = path.read_text().split()[1:]
                self.assertEqual({row.split(",")[1] for row in rows}, {"1"}, path)

    def test_pipelines(self):
        run = helixctl("pipelines", "--server", self.daemon.address)
        self.assertEqual(run.returncode, ALL_WELL, run.stderr)
        self.assertIn("patatrack", run.stdout)
        self.assertRegex(run.stdout, r"doublets +min_pt +[0-9.]+ +GeV")
        listed = json.loads(helixctl("pipelines", "--server", self.daemon.address, "--json").stdout)
        self.assertEqual(listed[0]["pipeline"], "patatrack")
        self.assertEqual(listed[0]["modules"], 1856)
        self.assertIn({"stage": "doublets", "name": "min_pt", "unit": "GeV"},
                      [{key: p[key] for key in ("stage", "name", "unit")} for p in listed[0]["parameters"]])
        self.ended(helixctl("pipelines", "--server", self.daemon.address, "magic"), BAD_INPUT, "magic")

    def test_a_module_of_networks_that_cannot_be_opened(self):
        program, module = self.folder / "bin/helixctl", self.folder / "lib/helix/helix_networks.so"
        for path in program, module:
            path.parent.mkdir(parents=True)
        shutil.copy(HELIXCTL, program)
        command = [program, "reconstruct", "--local", "--pipeline", "exatrkx", "--model", SOURCE / "config/models/generic",
                   "--out", self.out, EVENTS]
        for text, wanted in (None, "built without LibTorch: there is no"), ("no library", "LibTorch cannot be loaded"):
            if text:
                module.write_text(text)
            run = subprocess.run(command, capture_output=True, text=True, timeout=CALL)
            self.assertEqual(run.returncode, NO_SERVER, run.stderr)
            self.assertIn("config/models/generic", run.stderr)
            self.assertIn(wanted, run.stderr)
            self.assertIn(str(module), run.stderr)

    def test_validate(self):
        self.ended(self.reconstruct(EVENTS), ALL_WELL)
        run = helixctl("validate", EVENTS, self.out, "--json", self.folder / "figures.json")
        self.assertEqual(run.returncode, ALL_WELL, run.stderr)
        self.assertIn("efficiency", run.stdout)
        figures = json.loads((self.folder / "figures.json").read_text())
        self.assertGreater(figures["tracks"]["efficiency"], 0.8)
        self.assertLess(figures["tracks"]["fake_rate"], 0.2)
        self.assertGreater(figures["vertices"]["efficiency"], 0.5)
        self.ended(helixctl("validate", EVENTS, self.folder), BAD_INPUT, "no tracks for any of 2 events")


class Plan(unittest.TestCase):
    """helixctl plan: virtual time, no server."""

    def plan(self, *arguments):
        return helixctl("plan", "--seconds", 5, "--json", *arguments)

    def figures(self, *arguments):
        run = self.plan(*arguments)
        self.assertEqual(run.returncode, ALL_WELL, run.stderr)
        return json.loads(run.stdout)

    def bench(self, lanes=2, fixed=2.5, per_kilohit=0.25, hits=1234.5):
        folder = tempfile.TemporaryDirectory(prefix="helixctl_test.")
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "bench.json"
        path.write_text(json.dumps({"service": {"fixed_ms": fixed, "per_kilohit_ms": per_kilohit}, "lanes": lanes,
                                    "load": {"hits_per_request": hits}}))
        return path

    def test_figures(self):
        flags = ["--clients", 1, "--fixed-ms", 3, "--per-kilohit-ms", 2, "--hits", 1000, "--max-events", 1]
        figures = self.figures(*flags)
        self.assertAlmostEqual(figures["latency_ms"]["p50"], 5, delta=0.01)
        self.assertAlmostEqual(figures["requests_per_s"], 200, delta=1)
        self.assertLessEqual(figures["sent"] - figures["completed"], 1)  # under way at the end
        self.assertEqual(figures, self.figures(*flags))
        text = helixctl("plan", "--seconds", 5, *flags)
        self.assertIn("p50 5.0 ms", text.stdout)
        sizes = self.figures("--hits", "1000:3,9000:1")
        self.assertAlmostEqual(sizes["hits_per_s"] / sizes["requests_per_s"], 3000, delta=100)

    def test_from_bench(self):
        figures = self.figures("--from-bench", self.bench())
        self.assertEqual([figures[key] for key in ("lanes", "fixed_ms", "per_kilohit_ms", "hits")],
                         [2, 2.5, 0.25, "1234"])
        figures = self.figures("--from-bench", self.bench(), "--lanes", 3, "--hits", "500")
        self.assertEqual((figures["lanes"], figures["fixed_ms"], figures["hits"]), (3, 2.5, "500"))

    def test_bad_usage(self):
        bad = [("--from-bench", self.bench(lanes=0)), ("--from-bench", self.bench(lanes=1e300)),
               ("--from-bench", self.bench(lanes=1.5)), ("--from-bench", self.bench(fixed=-1)),
               ("--from-bench", self.bench(fixed=1e300)), ("--from-bench", self.bench(per_kilohit=1e7)),
               ("--from-bench", self.bench(hits=1e300)), ("--from-bench", self.bench(hits=-1)),
               ("--from-bench", self.bench(fixed=None)), ("--from-bench", "nowhere.json"),
               ("--hits", "1000:"), ("--hits", "1000,,2000"), ("--hits", "-1"), ("--lanes", 0), ("--clients", 0)]
        for arguments in bad:
            with self.subTest(arguments=arguments):
                run = self.plan(*arguments)
                self.assertEqual(run.returncode, BAD_INPUT, run.stdout + run.stderr)
                self.assertEqual(run.stdout, "")
                wrong = arguments[0] if arguments[0] != "--from-bench" else pathlib.Path(arguments[1]).name
                self.assertIn(wrong, run.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
