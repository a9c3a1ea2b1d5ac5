#!/usr/bin/python3
"""Receivers that sinks tell their events to, well behaved and otherwise. Standard library only.

receiver.py LOG http PLAN...         a web server; each request gets the next answer of the plan, the last for ever:
                                       200, 500, 429:SECONDS (Retry-After), 302:URL, hang, drip, reset, endless
receiver.py LOG https CERT KEY PLAN...
receiver.py LOG udp | tcp            syslog, parsed strictly; tcp with octet counting
receiver.py LOG tcp-keep             the same, but connections are never closed
receiver.py LOG unix PATH            syslog on a local datagram socket
receiver.py LOG mute                 accepts connections and never reads
receiver.py LOG --port N ...         on this port of 127.0.0.1 instead of a free one

The port is the first line of LOG; then comes one JSON object for each request or message. What is not as the
RFCs want it has a member "bad".
"""
import http.server
import json
import re
import socket
import ssl
import struct
import sys
import threading
import time

log = open(sys.argv[1], "a", buffering=1)
lock = threading.Lock()


def say(**what):
    with lock:
        log.write(json.dumps(what) + "\n")


# ---- web ----

plan = []


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            answer = plan.pop(0) if len(plan) > 1 else plan[0]
        say(answer=answer, path=self.path, headers={k.lower(): v for k, v in self.headers.items()},
            body=body.decode())
        status, _, value = answer.partition(":")
        if answer == "hang":
            time.sleep(3600)
        elif answer == "drip":
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 3600:
                self.wfile.write(bytes([byte]))
                time.sleep(0.5)
        elif answer == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        elif answer == "endless":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 4096)
        else:
            self.send_response(int(status))
            if status == "429":
                self.send_header("Retry-After", value)
            if status == "302":
                self.send_header("Location", value)
            self.send_header("Content-Length", "0")
            self.end_headers()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        pass


def serve_web(port, tls, answers):
    plan.extend(answers)
    server = Server(("127.0.0.1", port), Hook)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    log.write("%d\n" % server.server_address[1])
    server.serve_forever()


# ---- syslog (RFC 5424 section 6) ----

NAME = r"[!#-<>-\\^-~]{1,32}"  # no blank, no =, no ], no "
PARAM = r'%s="(?:[^"\\\]]|\\["\\\]])*"' % NAME
MESSAGE = re.compile(
    r"<(0|[1-9]\d{0,2})>1 "
    r"(-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) "
    r"([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) "
    r"(-|(?:\[%s(?: %s)*\])+)(?: (.*))?" % (NAME, PARAM), re.S)


def parse(data):
    try:
        text = data.decode()
    except UnicodeDecodeError as why:
        return say(bad="not UTF-8: %s" % why)
    m = MESSAGE.fullmatch(text)
    if not m:
        return say(bad="not RFC 5424: %r" % text)
    if int(m[1]) > 191:
        return say(bad="priority %s" % m[1])
    message = m[8] or ""
    mark = message.startswith("\ufeff")
    if not mark and not message.isascii():
        return say(bad="UTF-8 without its mark")
    parameters = re.findall(r'(%s)="((?:[^"\\\]]|\\["\\\]])*)"' % NAME, m[7])
    say(facility=int(m[1]) >> 3, severity=int(m[1]) & 7, host=m[3], app=m[4], msgid=m[6], mark=mark,
        parameters={k: re.sub(r"\\(.)", r"\1", v) for k, v in parameters}, message=message.lstrip("\ufeff"))


def read_frames(connection, keep):
    data = b""
    while True:
        more = connection.recv(65536)
        if not more:
            break
        data += more
        while True:
            m = re.match(rb"([1-9]\d{0,8}) ", data)
            if not m or len(data) < m.end() + int(m[1]):
                break
            parse(data[m.end():m.end() + int(m[1])])
            data = data[m.end() + int(m[1]):]
    if data:
        say(bad="left over: %r" % data)
    if keep:
        time.sleep(3600)


def serve_streams(port, handle):
    server = socket.create_server(("127.0.0.1", port))
    log.write("%d\n" % server.getsockname()[1])
    while True:
        connection, _ = server.accept()
        threading.Thread(target=handle, args=(connection,), daemon=True).start()


def serve_datagrams(family, address):
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind(address)
    log.write("%s\n" % (server.getsockname()[1] if family == socket.AF_INET else "ready"))
    while True:
        parse(server.recv(65536))


def main(arguments):
    port = 0
    if arguments[0] == "--port":
        port = int(arguments[1])
        arguments = arguments[2:]
    kind, rest = arguments[0], arguments[1:]
    if kind == "http":
        serve_web(port, None, rest)
    elif kind == "https":
        serve_web(port, rest[:2], rest[2:])
    elif kind == "udp":
        serve_datagrams(socket.AF_INET, ("127.0.0.1", port))
    elif kind == "unix":
        serve_datagrams(socket.AF_UNIX, rest[0])
    elif kind in ("tcp", "tcp-keep"):
        def handle(connection):
            read_frames(connection, kind == "tcp-keep")
            connection.close()
        serve_streams(port, handle)
    elif kind == "mute":
        serve_streams(port, lambda connection: time.sleep(3600) or connection.close())


main(sys.argv[2:])
