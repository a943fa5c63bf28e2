"""A speedwins server as a child process, and raw HTTP to it with nothing but the standard library."""

import asyncio
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Server:
    def __init__(self, program, model, *flags):
        self.command = [str(program), "serve", f"model={model}", "--port", "0", *flags]
        self.process, self.port = None, None

    def start(self, timeout=300):
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log", delete=False)
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=subprocess.STDOUT)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            found = re.search(r"ready at https?://[^:]+:(\d+)/", Path(self.log.name).read_text())
            if found:
                self.port = int(found[1])
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise SystemExit(Path(self.log.name).read_text())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def resident_bytes(self):
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    def main_thread_cpu_s(self):
        """User and system time of the thread that does all HTTP."""
        fields = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def connect(port):
    return await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)


def request_bytes(path, body=None, extra=""):
    if body is None:
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{extra}\r\n".encode()
    data = json.dumps(body).encode()
    head = (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n{extra}\r\n")
    return head.encode() + data


async def read_head(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status = int(head.split(" ", 2)[1])
    headers = {}
    for line in head.split("\r\n")[1:]:
        if ": " in line:
            name, value = line.split(": ", 1)
            headers[name.lower()] = value
    return status, headers


async def read_body(reader, headers):
    if headers.get("transfer-encoding") == "chunked":
        return b"".join([chunk async for chunk in chunks(reader)])
    return await reader.readexactly(int(headers.get("content-length", 0)))


async def chunks(reader):
    while True:
        line = await reader.readline()
        if not line:
            raise ConnectionResetError("the connection ended within an answer")
        size = int(line.strip(), 16)
        data = await reader.readexactly(size + 2)
        if size == 0:
            return
        yield data[:-2]


async def ask(port, path, body=None):
    reader, writer = await connect(port)
    try:
        writer.write(request_bytes(path, body, "Connection: close\r\n"))
        status, headers = await read_head(reader)
        return status, await read_body(reader, headers)
    finally:
        writer.close()


async def get_json(port, path):
    return json.loads((await ask(port, path))[1])


class Streamed:
    """What came of a streamed request, and when."""

    def __init__(self):
        self.status, self.text, self.times, self.timings, self.finished = 0, "", [], None, False
        self.error = None


async def stream(port, path, body, on_event=None):
    """`on_event(streamed)` may raise or sleep: to leave, or to read slowly."""
    result = Streamed()
    reader, writer = await connect(port)
    try:
        result.start = time.monotonic()
        writer.write(request_bytes(path, body | {"stream": True}))
        result.status, headers = await read_head(reader)
        if result.status != 200:
            result.error = await read_body(reader, headers)
            return result
        pending = b""
        async for chunk in chunks(reader):
            pending += chunk
            *events, pending = pending.split(b"\n\n")
            now = time.monotonic()
            for event in events:
                data = event[len(b"data: "):]
                if data == b"[DONE]":
                    result.finished = True
                    continue
                message = json.loads(data)
                if "error" in message:
                    result.error = message["error"]
                    continue
                for choice in message["choices"]:
                    text = choice.get("text", choice.get("delta", {}).get("content")) or ""
                    if text:
                        result.text += text
                        result.times.append(now)
                result.timings = message.get("timings", result.timings)
                if on_event:
                    await on_event(result)
        return result
    finally:
        writer.close()


def percentile(values, q):
    ordered = sorted(values)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)]
