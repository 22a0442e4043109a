#!/usr/bin/env python3
"""systemd_test.py PROGRAM MODEL: `e5v serve` as systemd starts it: it says when it is ready and when it ends, and takes the
socket that systemd listens on."""
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

PROGRAM, MODEL = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
del sys.argv[1:]
FIRST_SOCKET = 3  # SD_LISTEN_FDS_START


class Systemd(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.notify_address = os.path.join(folder, "notify")
        self.notifications = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.notifications.bind(self.notify_address)
        self.notifications.settimeout(60)

    def start(self, *options, listener=None):
        environment = dict(os.environ, NOTIFY_SOCKET=self.notify_address)
        command = [PROGRAM, "serve", "--model", f"tiny={MODEL}", "--device", "cpu", "--access-log", "none", *options]
        if listener is not None:
            # The shell becomes the server, whose process id LISTEN_PID must be.
            command = ["sh", "-c", f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" {FIRST_SOCKET}<&{listener.fileno()}', "sh",
                       *command]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True,
                                   pass_fds=[listener.fileno()] if listener else [])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stderr.close)
        return process

    def listener(self, host):
        listening = self.enterContext(socket.create_server((host, 0)))
        return listening, listening.getsockname()[1]

    def ask(self, port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        return connection.getresponse().status

    def test_it_says_when_it_is_ready_and_when_it_ends(self):
        process = self.start("--listen", "127.0.0.1:0")
        self.assertEqual(self.notifications.recv(100), b"READY=1")
        line = process.stderr.readline()
        port = int(line.rsplit(":", 1)[1])
        self.assertEqual(self.ask(port, "/ready"), 200)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.notifications.recv(100), b"STOPPING=1")
        self.assertEqual(process.wait(timeout=60), 0)

    def test_it_answers_on_the_socket_of_systemd_alone(self):
        listening, port = self.listener("127.0.0.1")
        waiting = self.enterContext(socket.create_connection(("127.0.0.1", port)))  # before the server is started
        waiting.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        process = self.start(listener=listening)
        self.assertEqual(self.notifications.recv(100), b"READY=1")
        self.assertEqual(process.stderr.readline(), f"e5v: serving tiny at http://127.0.0.1:{port}\n")
        waiting.settimeout(60)
        self.assertTrue(waiting.recv(100).startswith(b"HTTP/1.1 200 OK"))
        self.assertEqual(self.ask(port, "/ready"), 200)
        process.terminate()
        self.assertEqual(process.wait(timeout=60), 0)
        # systemd has the socket still, and connections wait for the next start.
        again = self.enterContext(socket.create_connection(("127.0.0.1", port)))
        again.close()

    def test_a_socket_that_other_machines_reach_needs_a_key(self):
        listening, _ = self.listener("0.0.0.0")
        process = self.start(listener=listening)
        self.assertEqual(process.wait(timeout=60), 1)
        self.assertIn("other machines could use this server without a key", process.stderr.read())


if __name__ == "__main__":
    unittest.main()
