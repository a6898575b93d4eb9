"""Downloads against a local server that drops the connection, serves a wrong file, a short one, or knows
nothing of ranges."""

import hashlib
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from xaiutils.datasets import download
from xaiutils.datasets.download import SOURCES, Source, fetch

CONTENT = bytes(range(256)) * 400  # 102,400 bytes


class Server(BaseHTTPRequestHandler):
    """Serves ``server.content``; breaks off after ``server.drop_after`` bytes of each answer; obeys ranges if
    ``server.ranges``."""

    def do_GET(self):
        start = 0
        self.server.asked.append(self.headers.get("Range"))
        if self.server.ranges and "Range" in self.headers:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        if start >= len(self.server.content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        rest = self.server.content[start:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.drop_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.content, server.drop_after, server.ranges, server.asked = CONTENT, None, True, []
    server.url = f"http://127.0.0.1:{server.server_port}/set.tar.gz"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def checksum(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_whole_file_arrives(server, tmp_path):
    download.download(server.url, tmp_path / "a" / "file", checksum(CONTENT), progress=False)
    assert (tmp_path / "a" / "file").read_bytes() == CONTENT
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["file"]


def test_a_dropped_connection_is_gone_on_with(server, tmp_path):
    server.drop_after = 40_000
    download.download(server.url, tmp_path / "file", checksum(CONTENT), progress=False)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=40000-", "bytes=80000-"]


def test_a_killed_download_is_gone_on_with(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT[:70_000])
    download.download(server.url, tmp_path / "file", checksum(CONTENT), progress=False)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.asked == ["bytes=70000-"]


def test_a_download_killed_after_its_last_byte_is_finished(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    download.download(server.url, tmp_path / "file", checksum(CONTENT), progress=False)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything_again(server, tmp_path):
    server.ranges = False
    (tmp_path / "file.part").write_bytes(b"x" * 70_000)
    download.download(server.url, tmp_path / "file", checksum(CONTENT), progress=False)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_connection_that_never_brings_a_byte_ends_in_a_clear_error(server, tmp_path):
    server.drop_after = 0
    with pytest.raises(ConnectionError, match=r"broke off at 0 bytes .* call again"):
        download.download(server.url, tmp_path / "file", checksum(CONTENT), progress=False)
    assert len(server.asked) == download.ATTEMPTS
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT[:5000]], ids=["wrong file", "short file"])
def test_a_file_with_another_checksum_is_refused_and_removed(server, tmp_path, content):
    server.content = content
    with pytest.raises(
        ValueError,
        match=rf"must have the sha256 checksum .* \({len(content):,} bytes\); the file was removed",
    ):
        download.download(server.url, tmp_path / "file", checksum(CONTENT), progress=False)
    assert list(tmp_path.iterdir()) == []


def test_fetch_unpacks_the_folder_in_one_step_and_then_leaves_it_alone(server, tmp_path):
    (tmp_path / "made" / "inner").mkdir(parents=True)
    (tmp_path / "made" / "inner" / "words.txt").write_text("one\n")
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "made" / "inner", "inner")
    server.content, root = (tmp_path / "set.tar.gz").read_bytes(), tmp_path / "root"
    root.mkdir()
    sources = {"words": Source(server.url, "inner", "words-1", checksum(server.content), "own")}
    assert fetch("words", root, sources=sources, progress=False) == root / "words-1"
    assert (root / "words-1" / "words.txt").read_text() == "one\n"
    assert sorted(p.name for p in root.iterdir()) == ["downloads", "words-1"]
    assert fetch("words", root, sources=sources, progress=False) == root / "words-1"
    assert len(server.asked) == 1


def test_an_archive_without_the_folder_leaves_nothing_behind(server, tmp_path):
    (tmp_path / "note.txt").write_text("x")
    with tarfile.open(tmp_path / "other.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "note.txt", "note.txt")
    with pytest.raises(ValueError, match=r"must hold the folder 'inner', got \['note.txt'\]"):
        download.unpack(tmp_path / "other.tar.gz", "inner", tmp_path / "target")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["note.txt", "other.tar.gz"]


def test_an_unknown_data_set_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(
        ValueError, match="dataset must be one of tiny-imagenet, cifar10, .* got 'cifar-10'; near it: cifar10"
    ):
        fetch("cifar-10", tmp_path)


def test_every_source_says_how_it_may_be_used():
    for source in SOURCES.values():
        assert source.url.startswith("http") and source.licence
        assert source.checksum is None or source.checksum.split(":")[0] in ("md5", "sha256")
