"""The standing processes of the load: workers as a server has them, each with a heap, mapped libraries, pipes, unix
and TCP sockets, all of them with bytes of real files on their way.
"""

import glob
import mmap
import os
import socket
import sys
import time

WORKERS = 300
CONNECTIONS_EACH = 8


def send_some(sock, text):
    sock.setblocking(False)
    try:
        while sock.send(text) > 0:
            pass
    except BlockingIOError:
        pass


def work(number, port, texts):
    text = texts[number % len(texts)]
    held = []
    for library in glob.glob("/usr/lib/x86_64-linux-gnu/*.so*")[number % 7::7]:
        with open(library, "rb") as file:
            mapping = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
            held.append((mapping, sum(mapping[::4096])))
    held.append({f"key {number} {i}": [i, text[i:i + 40]] for i in range(2000)})
    for i in range(CONNECTIONS_EACH):
        client = socket.create_connection(("127.0.0.1", port))
        ends = socket.socketpair()
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        try:
            os.write(writing, text[:1 << 16])
        except BlockingIOError:
            pass
        if i < 2:
            send_some(client, text[:1 << 16])
            send_some(ends[0], text[:1 << 16])
        held.append((client, ends, reading, writing))
    while True:
        time.sleep(1)
        held[-1][0].fileno()


def main():
    texts = []
    for path in sorted(glob.glob("/usr/share/doc/*/copyright"))[:64] + sorted(glob.glob("/usr/bin/*"))[:16]:
        with open(path, "rb") as file:
            texts.append(file.read(1 << 17) or b"empty")
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    port = listener.getsockname()[1]
    accepted = []
    for number in range(WORKERS):
        if os.fork() == 0:
            listener.close()
            accepted.clear()
            work(number, port, texts)
        for _ in range(CONNECTIONS_EACH):
            accepted.append(listener.accept()[0])
    print("ready", flush=True)
    sys.stdout.flush()
    while True:
        time.sleep(1)


main()
