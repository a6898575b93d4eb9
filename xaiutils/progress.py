"""What a long run prints: a line for each event, and a sign of life in between."""

import os
import shutil
import sys
import threading
import time


class Progress:
    """Lines that read well everywhere: a terminal gets a status line below them, a log file a sign of life every 30 s."""

    def __init__(self, stream=None, every=30):
        self.stream, self.every = stream or sys.stdout, every
        self.cells, self.lock, self.last = {}, threading.Lock(), time.monotonic()
        self.live = self.stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def say(self, line, done=None):
        """Print a line for good; ``done`` names a notebook that leaves the status line."""
        with self.lock:
            self.cells.pop(done, None)
            self._write(("\r\x1b[K" if self.live else "") + line + "\n" + (self._status() if self.live else ""))

    def cell(self, name, position):
        """A notebook has reached ``position``, "cell 3 of 20"."""
        with self.lock:
            self.cells[name] = position
            if self.live:
                self._write("\r\x1b[K" + self._status())
            elif time.monotonic() - self.last > self.every:
                self._write(self._status() + "\n")

    def _status(self):
        text = "  running: " + ", ".join(f"{name} ({position})" for name, position in self.cells.items())
        width = shutil.get_terminal_size().columns - 1
        return text[:width] if self.live and self.cells else text if self.cells else ""

    def _write(self, text):
        self.stream.write(text)
        self.stream.flush()
        self.last = time.monotonic()
