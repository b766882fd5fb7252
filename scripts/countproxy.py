#!/usr/bin/env python3
"""A proxy on loopback before a registry that writes down what bodies weigh:

    scripts/countproxy.py PORT UPSTREAM LOG

A JSON line in LOG for each request, once it has ended or was cut: method,
path, status (0: cut), body (bytes of its body that arrived), seconds since the
proxy began. The registry's own log has no size of a request. RATE=N lets N
bytes a second through, of all requests together.
"""
import http.client
import json
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 1 << 18
HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect"}
START, LOCK = time.monotonic(), threading.Lock()
RATE, turn = int(os.environ.get("RATE", 0)), threading.Lock()
upstream, log = "", None


def wait(n):
    if RATE:
        with turn:
            time.sleep(n / RATE)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def body(self):
        """The request's body in pieces, counted as they arrive."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data = self.rfile.read(size)
                if len(data) < size:
                    raise ConnectionError("cut")
                self.arrived += size
                wait(size)
                self.rfile.readline()
                yield data
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            data = self.rfile.read1(min(left, PIECE))
            if not data:
                raise ConnectionError("cut")
            self.arrived, left = self.arrived + len(data), left - len(data)
            wait(len(data))
            yield data

    def relay(self):
        self.arrived, status = 0, 0
        conn = http.client.HTTPConnection(upstream, timeout=120)
        try:
            conn.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for k, v in self.headers.items():
                if k.lower() not in HOP:
                    conn.putheader(k, v)
            chunked = "Content-Length" not in self.headers and "Transfer-Encoding" in self.headers
            if chunked:
                conn.putheader("Transfer-Encoding", "chunked")
            conn.endheaders(self.body() if chunked else None, encode_chunked=chunked)
            if not chunked:
                for data in self.body():
                    conn.send(data)
            answer = conn.getresponse()
            status = answer.status
            self.send_response_only(status, answer.reason)
            for k, v in answer.getheaders():
                if k.lower() not in HOP:
                    self.send_header(k, v)
            bodiless = self.command == "HEAD" or status in (204, 304)
            if not bodiless and answer.headers.get("Content-Length") is None:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            while not bodiless and (data := answer.read(PIECE)):
                self.wfile.write(data)
        except (OSError, http.client.HTTPException, ValueError):
            self.close_connection = True
        finally:
            conn.close()
            line = {"method": self.command, "path": self.path, "status": status, "body": self.arrived, "at": round(time.monotonic() - START, 3)}
            with LOCK:
                print(json.dumps(line), file=log, flush=True)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = relay

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):  # a client that was killed
        pass


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    upstream, log = sys.argv[2], open(sys.argv[3], "a")
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
