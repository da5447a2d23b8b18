"""What helixd tells about itself: metrics, health and readiness over HTTP, receipts, the trace, traceparent in the log.

Needs what python_client_test.py needs; without that the test is skipped (exit code 77).
"""
import collections
import concurrent.futures
import contextlib
import json
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from daemon import CALL, HELIXCTL, START, Daemon
from python_client_test import channel_to, grpc, hits_of, pb, request_of, rpc

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def fetch(url, method="GET"):
    """Code, headers, body."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=CALL) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def parse(text):
    """Prometheus' text format: {name: {labels: value}}, and types. Strict: anything else is an error."""
    samples, types, helped = collections.defaultdict(dict), {}, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped.add(line.split(" ", 3)[2])
        elif line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            assert name not in types, f"{name} is there twice"
            types[name] = kind
        else:
            name, labels, value = re.fullmatch(r'([a-z_]+)(?:\{((?:[a-z]+="[^"]*",?)*)\})? (\S+)', line).groups()
            key = frozenset(re.findall(r'([a-z]+)="([^"]*)"', labels or ""))
            assert key not in samples[name], line
            samples[name][key] = float(value)
    assert helped == set(types)
    return samples, types


def labels(**values):
    return frozenset(values.items())


def connect(daemon):
    """A raw connection, for what no library would send."""
    host, port = urllib.parse.urlsplit(daemon.http).netloc.split(":")
    return socket.create_connection((host, int(port)), timeout=CALL)


def received(connection):
    """All until the daemon closes, however it does."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


class HostileClients(unittest.TestCase):
    """Of the HTTP port; the daemon looks after itself."""

    def setUp(self):
        self.daemon = Daemon()

    def tearDown(self):
        begin = time.monotonic()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertLess(time.monotonic() - begin, 5)

    def alive(self):
        begin = time.monotonic()
        self.assertEqual(fetch(self.daemon.http + "/healthz")[::2], (200, "alive\n"))
        self.assertLess(time.monotonic() - begin, 4)  # silence is ended after 5 s

    def resident(self):
        status = pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def test_an_endless_line_is_cut_off_and_not_kept(self):
        self.alive()
        before, sent, chunk = self.resident(), 0, b"x" * (1 << 20)
        with connect(self.daemon) as connection, contextlib.suppress(ConnectionError):
            while sent < 256 << 20:
                sent += connection.send(chunk)
        self.assertLess(sent, 256 << 20)
        self.assertLess(self.resident(), before + (4 << 20))
        self.alive()

    def test_many_ranges_are_one_whole_page(self):
        ranges = "Range: bytes=" + ",".join(["0-"] * 1000) + "\r\n"
        with connect(self.daemon) as connection:
            connection.sendall(f"GET /metrics HTTP/1.1\r\nHost: it\r\n{ranges * 5}\r\n".encode())
            answer = received(connection)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:100])
        self.assertEqual(answer.count(b"# TYPE helixd_ready gauge"), 1)

    def test_slow_clients_hold_up_nobody_and_are_cut_off(self):
        silent = [connect(self.daemon) for _ in range(6)]
        slow = [connect(self.daemon) for _ in range(6)]
        cut_off, begin = set(), time.monotonic()
        while len(cut_off) < len(slow) and time.monotonic() - begin < 40:
            for one in slow:
                try:
                    one.sendall(b"G")
                except ConnectionError:
                    cut_off.add(one)
            self.alive()
            time.sleep(0.5)
        self.assertEqual(len(cut_off), len(slow))
        for one in silent:
            self.assertEqual(received(one), b"")
        late = [connect(self.daemon) for _ in range(6)]  # which meet the end
        late[0].sendall(b"GET /healthz HTTP/1.1\r\n")
        for one in silent + slow + late:
            self.addCleanup(one.close)

    def test_who_says_no_more_still_gets_an_answer(self):
        with connect(self.daemon) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: it\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            answer = received(connection)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:100])
        self.assertTrue(answer.endswith(b"\n"))


class Observe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.event = hits_of("event000000001")

    def setUp(self):
        # a delay that only a second signal ends
        delay = "5min" if "readiness" in self.id() else "0s"
        self.daemon = Daemon("--limits-max-events", "2", "--log-level", "debug", "--trace-batches", "5",
                             "--drain-delay", delay)
        self.channel = channel_to(self.daemon)
        grpc.channel_ready_future(self.channel).result(START)
        self.stub = rpc.ReconstructionStub(self.channel)

    def tearDown(self):
        self.channel.close()
        self.assertEqual(self.daemon.stop(), 0)

    def scrape(self):
        code, headers, body = fetch(self.daemon.http + "/metrics")
        self.assertEqual(code, 200)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return parse(body)

    def until(self, ready):
        """Scrapes until `ready(samples)`: batches are counted after their answers."""
        deadline = time.monotonic() + CALL
        while not ready(samples := self.scrape()[0]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        return samples

    def call(self, request, metadata=()):
        """The code and the call."""
        try:
            answer, call = self.stub.Reconstruct.with_call(request, timeout=CALL, metadata=metadata)
            return grpc.StatusCode.OK, answer, call
        except grpc.RpcError as error:
            return error.code(), None, error

    def calls_under_way(self):
        status = subprocess.run([HELIXCTL, "status", "--server", self.daemon.address, "--json"], check=True, timeout=CALL,
                                capture_output=True)
        return json.loads(status.stdout)["calls"]

    def test_counters_are_exact_while_they_are_scraped(self):
        requests = {"OK": request_of(self.event), "NOT_FOUND": request_of(self.event, pipeline="nothing"),
                    "INVALID_ARGUMENT": request_of(self.event), "RESOURCE_EXHAUSTED": request_of(*[self.event] * 3)}
        requests["INVALID_ARGUMENT"].hits.x[3] = float("nan")
        sent = {"OK": 60, "NOT_FOUND": 7, "INVALID_ARGUMENT": 11, "RESOURCE_EXHAUSTED": 13}
        over, scrapes = threading.Event(), []

        def scrape():
            while not over.is_set():
                scrapes.append(self.scrape()[0]["helixd_requests_total"])

        with concurrent.futures.ThreadPoolExecutor(9) as pool:
            scraper = pool.submit(scrape)
            calls = [(code, pool.submit(self.call, requests[code])) for code, n in sent.items() for _ in range(n)]
            for code, call in calls:
                self.assertEqual(call.result()[0].name, code)
            over.set()
            scraper.result()
        for before, after in zip(scrapes, scrapes[1:]):
            self.assertTrue(all(after[key] >= value for key, value in before.items()))

        def batched(samples):
            return samples["helixd_batch_events_sum"][labels(pipeline="patatrack")] == sent["OK"]
        samples = self.until(batched)
        counted = collections.Counter()
        for key, value in samples["helixd_requests_total"].items():
            counted[dict(key)["code"]] += value
        self.assertEqual(+counted, sent)
        one = labels(pipeline="patatrack")
        everyone = labels(**{"pipeline": "patatrack", "class": "normal"})
        self.assertEqual(samples["helixd_request_seconds_count"][everyone], sent["OK"])
        self.assertEqual(samples["helixd_request_queue_seconds_count"][one], sent["OK"])
        self.assertEqual(samples["helixd_batch_hits_sum"][one], sent["OK"] * len(self.event["x"]))
        self.assertEqual(samples["helixd_requests_rejected_total"][one], 0)  # too large is not full
        self.assertEqual(samples["helixd_queue_accepted_total"][one], sent["OK"])
        self.assertEqual(samples["helixd_queue_ended_total"][labels(pipeline="patatrack", end="completed")], sent["OK"])
        self.assertEqual(samples["helixd_queue_requests"][one], 0)
        self.assertEqual(samples["helixd_admitted_bytes"][one], 0)
        self.assertGreater(samples["helixd_lane_busy_seconds_total"][labels(pipeline="patatrack", lane="0")], 0)
        self.assertGreater(samples["helixd_lane_memory_bytes"][labels(pipeline="patatrack", lane="0")], 0)
        self.assertGreater(samples["helixd_stage_seconds_total"][labels(pipeline="patatrack", stage="doublets")], 0)

    def test_requests_are_counted_by_their_priority(self):
        self.call(request_of(self.event), metadata=(("helix-priority", "bulk"),))
        urgent = request_of(self.event)
        urgent.priority = 0
        self.call(urgent, metadata=(("helix-priority", "bulk"),))
        self.call(request_of(self.event), metadata=(("helix-priority", "none"),))
        counted = self.scrape()[0]["helixd_requests_total"]
        for priority, pipeline, code in (("bulk", "patatrack", "OK"), ("interactive", "patatrack", "OK"),
                                         ("normal", "patatrack", "INVALID_ARGUMENT")):
            key = labels(**{"pipeline": pipeline, "class": priority, "code": code})
            self.assertEqual(counted[key], 1, key)

    def test_exposition_is_well_formed(self):
        self.call(request_of(self.event))
        samples, types = self.scrape()
        for name, kind in types.items():
            self.assertEqual(kind == "counter", name.endswith("_total"), name)
            if kind != "histogram":
                self.assertIn(name, samples)
                continue
            series = collections.defaultdict(list)
            for key, value in samples[name + "_bucket"].items():
                bound = dict(key)["le"]
                series[key - {("le", bound)}].append((float(bound), value))
            for key, buckets in series.items():
                counts = [value for _, value in sorted(buckets)]
                self.assertEqual(counts, sorted(counts), name)
                self.assertEqual(max(buckets)[0], float("inf"))
                self.assertEqual(counts[-1], samples[name + "_count"][key])
                self.assertIn(key, samples[name + "_sum"])

    def test_pages_and_methods(self):
        for path, body in (("/healthz", "alive\n"), ("/readyz", "ready\n"), ("/readyz?verbose", "ready\n")):
            self.assertEqual(fetch(self.daemon.http + path)[::2], (200, body))
        for path in ("/", "/metric", "/metrics/", "/../etc/passwd", "/healthz/..", "/%2e%2e/etc/passwd"):
            self.assertEqual(fetch(self.daemon.http + path)[0], 404, path)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            code, headers, _ = fetch(self.daemon.http + "/metrics", method)
            self.assertEqual((code, headers["Allow"]), (405, "GET, HEAD"), method)
        code, headers, body = fetch(self.daemon.http + "/healthz", "HEAD")
        self.assertEqual((code, headers["Content-Length"], body), (200, "6", ""))

    def test_readiness_ends_with_sigterm_while_requests_are_still_taken(self):
        self.assertEqual(fetch(self.daemon.http + "/readyz")[0], 200)
        self.daemon.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + CALL
        while fetch(self.daemon.http + "/readyz")[0] == 200:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(fetch(self.daemon.http + "/readyz")[::2], (503, "not ready\n"))
        self.assertEqual(fetch(self.daemon.http + "/healthz")[0], 200)
        self.assertEqual(self.scrape()[0]["helixd_ready"][labels()], 0)
        self.assertEqual(self.call(request_of(self.event))[0], grpc.StatusCode.OK)
        while self.calls_under_way() > 0:  # the call is over a moment after its answer, and the next signal does not wait
            self.assertLess(time.monotonic(), deadline)

    def test_receipt_says_what_the_message_says(self):
        _, answer, call = self.call(request_of(self.event, self.event))
        receipt = dict(call.trailing_metadata())["helix-receipt"]
        self.assertTrue(receipt.isascii())
        values = dict(part.split("=") for part in receipt.split(";"))
        split = answer.time
        times = {"queue": split.queue, "batch": split.batch, "copy_in": split.copy_in, "compute": split.compute,
                 "copy_out": split.copy_out, **{"stage." + row.stage: row.time for row in split.stages}}
        self.assertIn("stage.doublets", times)
        expected = {key: str(value // 1000) for key, value in times.items()}
        expected.update(batch_events="2", batch_hits=str(2 * len(self.event["x"])), lane=str(split.lane), backend="cpu",
                        device=answer.provenance.device)
        self.assertEqual(values, expected)
        self.assertEqual((split.batch_events, split.batch_hits), (2, 2 * len(self.event["x"])))
        wrong = request_of(self.event, pipeline="nothing")
        self.assertNotIn("helix-receipt", dict(self.call(wrong)[2].trailing_metadata()))

    def test_trace_holds_the_last_batches(self):
        for _ in range(7):
            self.call(request_of(self.event))
        self.until(lambda s: s["helixd_batches_total"][labels(pipeline="patatrack", code="OK")] == 7)
        code, headers, body = fetch(self.daemon.http + "/debug/trace")
        self.assertEqual((code, headers["Content-Type"]), (200, "application/json"))
        events = json.loads(body)["traceEvents"]
        batches = [e for e in events if e["name"] == "batch"]
        self.assertEqual([b["args"]["number"] for b in batches], [2, 3, 4, 5, 6])
        self.assertEqual({b["args"]["hits"] for b in batches}, {len(self.event["x"])})
        slices = [e for e in events if e["ph"] == "X" and e["name"] != "batch"]
        self.assertLessEqual({"gather", "compute", "doublets", "answer"}, {e["name"] for e in slices})
        for part in slices:  # each within one batch, to the rounding of its numbers
            self.assertTrue(any(b["ts"] - 0.01 <= part["ts"] and
                                part["ts"] + part["dur"] <= b["ts"] + b["dur"] + 0.01 for b in batches), part)
        waits = collections.Counter((e["ph"], e["id"]) for e in events if e["name"] == "queue")
        self.assertEqual(waits, {(kind, number): 1 for kind in "be" for number in range(2, 7)})
        names = {e["args"]["name"] for e in events if e["ph"] == "M"}
        self.assertIn("patatrack", names)

    def test_traceparent_is_in_the_log_if_it_is_one(self):
        wrong = request_of(self.event, pipeline="nothing")
        self.call(request_of(self.event), [("traceparent", TRACE)])
        self.call(wrong, [("traceparent", TRACE)])
        self.call(wrong, [("traceparent", "my-own-trace-format")])
        log = self.daemon.log_text()
        done, refused = re.findall(r"request\.(done|refused) .*traceparent=" + TRACE, log), "request.refused"
        self.assertEqual(sorted(done), ["done", "done", "refused"])
        self.assertNotIn("my-own", log)
        self.assertEqual(len(re.findall(refused + ".*traceparent=- ", log)), 1)


if __name__ == "__main__":
    unittest.main()
