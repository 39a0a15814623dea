"""`python -m benchmarks.sender FRAMES RATE`: one client, one frame at a time, and when each was sent.

A WebSocket server as plain as can be, so that what is measured is the receiver: it answers the handshake, waits for the
first message, sends the snapshot, then an update every 1/RATE s, spinning in between. It prints its port first, and
after the last frame the `perf_counter_ns` of every send (one clock for all processes of a machine), as JSON.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import sys
import time
from pathlib import Path

from benchmarks.contenders.measure import pin
from desk.io.frames import read_frames

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
SETTLE_S = 0.2


def accept(server: socket.socket) -> socket.socket:
    """One client, its handshake answered, its first message read."""
    client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(4096)
    head = {k.strip().lower(): v.strip() for k, _, v in (line.partition(b":") for line in request.split(b"\r\n"))}
    key = base64.b64encode(hashlib.sha1(head[b"sec-websocket-key"] + GUID).digest())
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + key + b"\r\n\r\n"
    )
    client.recv(4096)
    return client


def framed(data: bytes) -> bytes:
    """One unmasked text frame of up to 64 KiB."""
    size = len(data)
    return bytes([0x81, size]) + data if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big") + data


def main(path: Path, rate: float) -> None:
    pin(1)
    ready = [framed(frame.data) for frame in read_frames(path)]
    gap = int(1e9 / rate)
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        with accept(server) as client:
            client.sendall(ready[0])
            time.sleep(SETTLE_S)
            sent = [time.perf_counter_ns()]
            due = sent[0]
            for frame in ready[1:]:
                due += gap
                while (now := time.perf_counter_ns()) < due:
                    pass
                client.sendall(frame)
                sent.append(now)
            print(json.dumps(sent), flush=True)
            sys.stdin.read()  # until the receiver has everything


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
