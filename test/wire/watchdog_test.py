"""A helixd that is stopped for longer than its watchdog, as by SIGSTOP or a paused machine."""
import json
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from daemon import CALL, EVENTS, HELIXCTL, Daemon


class Stopped(unittest.TestCase):
    def test_lanes_that_were_at_work_stay_in_service(self):
        daemon = Daemon("--watchdog", "1s")
        with tempfile.TemporaryDirectory(prefix="helixd_test.") as folder:
            path = pathlib.Path(folder) / "bench.json"
            load = subprocess.Popen([HELIXCTL, "bench", "--server", daemon.address, "--clients", "8", "--duration", "8",
                                     "--warm-up", "0", "--json", path, EVENTS],
                                    stdout=subprocess.DEVNULL)
            time.sleep(1)
            for _ in range(2):
                daemon.process.send_signal(signal.SIGSTOP)
                time.sleep(2)
                daemon.process.send_signal(signal.SIGCONT)
                time.sleep(0.5)
            self.assertEqual(load.wait(CALL), 0)
            requests = json.loads(path.read_text())["requests"]
        self.assertNotIn("device.lost", daemon.log_text())
        self.assertEqual(list(requests["codes"]), ["OK"], requests)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
