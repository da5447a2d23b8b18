"""A helixd of their own for tests in Python: on a free port, with a log, stopped at the end."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

SOURCE = pathlib.Path(os.environ.get("HELIX_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
HELIXD, HELIXCTL = os.environ.get("HELIXD", "helixd"), os.environ.get("HELIXCTL", "helixctl")
EVENTS = SOURCE / "test/data/validate/events"
GEOMETRY = SOURCE / "config/geometry/phase1"
START, CALL, STOP = 60, 120, 60  # seconds: bounds, not expectations


class Daemon:
    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="helixd_test.")
        port_file, http_port_file = (os.path.join(self.folder.name, name) for name in ("port", "http_port"))
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        self.process = subprocess.Popen(
            [HELIXD, "--geometry", str(GEOMETRY), "--backend", "cpu", "--listen", "127.0.0.1:0",
             "--exatrkx-models=", "--port-file", port_file, "--drain-delay", "0s",
             "--http-listen", "127.0.0.1:0", "--http-port-file", http_port_file, *options],
            stdout=self.log, stderr=subprocess.STDOUT)
        self.address = f"127.0.0.1:{self._wait_for(port_file)}"
        self.http = f"http://127.0.0.1:{self._wait_for(http_port_file)}"

    def _wait_for(self, port_file):
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self.process.poll() is None:
            if os.path.exists(port_file) and os.path.getsize(port_file):
                return int(pathlib.Path(port_file).read_text())
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        raise AssertionError("helixd did not start:\n" + self.log_text())

    def log_text(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def metrics(self, name):
        """The values of a metric by their labels."""
        with urllib.request.urlopen(f"{self.http}/metrics", timeout=CALL) as answer:
            lines = re.findall(rf"^{name}{{(.*)}} (\S+)$", answer.read().decode(), re.M)
        return {labels: float(value) for labels, value in lines}

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()
            self.folder.cleanup()
