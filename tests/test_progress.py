"""Lines on a terminal, on a dumb one, and in a log file."""

import io

from xaiutils.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal_redraws_one_line_and_elsewhere_prints_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Progress(Terminal())
    terminal.cell("doc/a", "cell 3 of 20")
    terminal.say("doc/a finished", done="doc/a")
    assert terminal.stream.getvalue() == "\r\x1b[K  running: doc/a (cell 3 of 20)\r\x1b[Kdoc/a finished\n"
    monkeypatch.setenv("TERM", "dumb")
    assert not Progress(Terminal()).live
    file = Progress(io.StringIO(), every=0)
    file.cell("doc/a", "cell 3 of 20")
    file.say("doc/a finished", done="doc/a")
    assert file.stream.getvalue() == "  running: doc/a (cell 3 of 20)\ndoc/a finished\n"
    quiet = Progress(io.StringIO(), every=1000)
    quiet.cell("doc/a", "cell 3 of 20")
    assert quiet.stream.getvalue() == ""
