"""A solver in a process group of its own, asked by lines of JSON, killed when its time is over."""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from theory.provers.api import Clock, Crashed, DoesNotApply, TimeUp

# What a solver may take to start. One question does not wait so long, but it leaves the process starting for the next one.
START = 30.0


class Worker:
    """A process that answers one line of JSON with another; it is started at the first question and kept for the next."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.process: subprocess.Popen[bytes] | None = None
        self.missing = ""
        self.greeted, self.patience = False, 0.0

    def ask(self, question: Any, clock: Clock) -> Any:
        """The answer; raises `TimeUp` or `Crashed`, and `DoesNotApply` if the solver is not installed."""
        if self.missing:
            raise DoesNotApply(f"{self.missing} is not installed")
        if self.process is None or self.process.poll() is not None:
            self._start(clock.budget.memory)
        self._greet(clock)
        process = self.process
        assert process is not None and process.stdin is not None
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
        except OSError as why:
            self.kill()
            raise Crashed(f"{self.module} died: {why}") from None
        return self._line(clock)

    def _start(self, memory: int) -> None:
        command = [sys.executable, "-m", self.module, str(memory)]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=env, start_new_session=True
        )
        atexit.register(self.kill)
        self.greeted, self.patience = False, time.monotonic() + START

    def _greet(self, clock: Clock) -> None:
        """Waits for the first line, once."""
        if self.greeted:
            return
        hello = self._line(clock)
        self.greeted = True
        if "missing" in hello:
            self.missing = hello["missing"]
            self.kill()
            raise DoesNotApply(f"{self.missing} is not installed")

    def _line(self, clock: Clock) -> Any:
        process, data = self.process, b""
        assert process is not None and process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            while not data.endswith(b"\n"):
                if not waiting.select(max(clock.left, 0.0)):
                    if self.greeted or time.monotonic() > self.patience:
                        self.kill()
                    raise TimeUp(f"{self.module} gave no answer within {clock.budget.seconds:g} s")
                part = os.read(process.stdout.fileno(), 1 << 16)
                if not part:
                    code = process.wait()
                    self.kill()
                    raise Crashed(f"{self.module} died with exit status {code}")
                data += part
        return json.loads(data)

    def kill(self) -> None:
        """Ends the process and all that it started."""
        process, self.process = self.process, None
        atexit.unregister(self.kill)
        if process is None:
            return
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was left in the pipe of a dead process
                    stream.close()
