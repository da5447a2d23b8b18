"""The commands of helixctl for operators, against a real helixd."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from daemon import CALL, EVENTS, HELIXCTL, STOP, Daemon

ALL_WELL, BAD_INPUT, NO_SERVER = 0, 2, 3


class Admin(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="admin_test.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.config = self.folder / "helixd.toml"
        self.config.write_text("[queue]\nmax_requests = 100\n")
        self.daemon = Daemon("--config", str(self.config))
        self.addCleanup(self.daemon.stop)

    def run_it(self, command, *arguments, code=ALL_WELL):
        """What the command prints: on stdout where all is well, else on stderr."""
        run = subprocess.run([HELIXCTL, command, "--server", self.daemon.address, *map(str, arguments)],
                             capture_output=True, text=True, timeout=CALL)
        self.assertEqual(run.returncode, code, run.stderr)
        return run.stdout if code == ALL_WELL else run.stderr

    def state(self):
        return json.loads(self.run_it("status", "--json"))

    def patatrack(self):
        return next(p for p in self.state()["pipelines"] if p["name"] == "patatrack")

    def test_status(self):
        state = self.state()
        self.assertEqual(state["pid"], self.daemon.process.pid)
        self.assertFalse(state["draining"])
        self.assertEqual({p["name"] for p in state["pipelines"]}, {"patatrack", "echo"})
        self.assertEqual(self.patatrack()["max_requests"], 100)
        self.assertEqual(self.patatrack()["health"], "SERVING")
        text = self.run_it("status")
        self.assertIn("patatrack: SERVING", text)
        self.assertRegex(text, rf"process {self.daemon.process.pid}, up \d+ (s|min \d+ s)\n")

    def test_reload(self):
        self.config.write_text("[queue]\nmax_requests = 50\n[server]\ndrain_delay = \"1s\"\n")
        self.assertEqual(self.run_it("reload"), "reloaded\n")
        self.assertEqual(self.patatrack()["max_requests"], 50)
        self.config.write_text("[queue]\nmax_requests = 50\nmax_request = 3\n")
        message = self.run_it("reload", code=BAD_INPUT)
        self.assertIn(str(self.config), message)
        self.assertIn("max_request", message)
        self.assertEqual(self.patatrack()["max_requests"], 50)
        self.assertEqual(self.state()["reloads"], 1)

    def test_log_level(self):
        self.assertNotEqual(self.state()["log_level"], "debug")
        self.run_it("log-level", "debug")
        self.assertEqual(self.state()["log_level"], "debug")

    def test_trace(self):
        subprocess.run([HELIXCTL, "reconstruct", "--server", self.daemon.address, "--out", self.folder / "out",
                        EVENTS], check=True, timeout=CALL, capture_output=True)
        batches = [e for e in json.loads(self.run_it("trace"))["traceEvents"] if e["name"] == "batch"]
        self.assertGreater(len(batches), 0)
        self.assertEqual(self.run_it("trace", "--out", self.folder / "trace.json"), "")
        self.assertIn("traceEvents", json.loads((self.folder / "trace.json").read_text()))

    def test_drain(self):
        self.run_it("drain")
        self.assertEqual(self.daemon.process.wait(STOP), 0)
        self.assertIn("server.drained", self.daemon.log_text())
        self.assertIn(self.daemon.address, self.run_it("status", "--connect-timeout", "1", code=NO_SERVER))


if __name__ == "__main__":
    unittest.main()
