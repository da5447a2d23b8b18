"""How long helixctl waits for an answer, as a server sees it: the deadline that comes with each call."""
import concurrent.futures
import subprocess
import unittest

import grpc

from daemon import CALL, HELIXCTL

SOME_FAILED = 1


class AnyMethod(grpc.GenericRpcHandler):
    """Refuses all calls, and keeps how long each would have waited, s."""

    def __init__(self):
        self.seconds = []

    def service(self, _):
        def refuse(_, context):
            self.seconds.append(context.time_remaining())
            context.abort(grpc.StatusCode.INTERNAL, "refused")
        return grpc.unary_unary_rpc_method_handler(refuse)


class Timeout(unittest.TestCase):
    def setUp(self):
        self.calls = AnyMethod()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(1), handlers=[self.calls])
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()
        self.addCleanup(self.server.stop, 0)

    def seconds(self, *command):
        self.calls.seconds.clear()
        run = subprocess.run([HELIXCTL, *command, "--server", self.address], capture_output=True, text=True, timeout=CALL)
        self.assertEqual(run.returncode, SOME_FAILED, run.stderr)
        self.assertEqual(len(self.calls.seconds), 1)
        return self.calls.seconds[0]

    def test_small_calls(self):
        for command in (["status"], ["drain"], ["trace"], ["log-level", "info"], ["health"], ["pipelines"],
                        ["pipelines", "echo"]):
            for arguments, expected in ([], 10), (["--timeout", "500"], 500), (["--timeout", "2000"], 2000):
                with self.subTest(command=command, arguments=arguments):
                    left = self.seconds(*command, *arguments)
                    self.assertLessEqual(left, 1.02 * expected)  # gRPC rounds it up on its way
                    if expected > 10:
                        self.assertGreater(left, expected - CALL)

    def test_reload(self):
        self.assertGreater(self.seconds("reload"), 300 - CALL)
        self.assertLessEqual(self.seconds("reload", "--timeout", "20"), 1.02 * 20)


if __name__ == "__main__":
    unittest.main()
