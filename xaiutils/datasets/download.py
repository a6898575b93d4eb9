"""Fetch a full data set, when asked: ``fetch("cifar10")`` or ``make data DATASET=cifar10``.

What was received stays in ``downloads/FILE.part`` and is gone on with after a broken connection or a kill.
The whole file must have the published checksum before it is unpacked, and the data set's folder appears in
one step, complete.
"""

import difflib
import hashlib
import os
import shutil
import tempfile
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from tqdm.auto import tqdm

from xaiutils.datasets.storage import data_root

ATTEMPTS = 5  # connections that may break without bringing a byte
BLOCK = 1 << 20


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    ``folder``    the folder that its archive holds; ``name`` what readers expect it to be called
    ``checksum``  "md5:..." or "sha256:..." of the archive; None where none is published: then the readers'
                  counts must do
    """

    url: str
    folder: str
    name: str
    checksum: str | None
    licence: str


SOURCES = {
    "tiny-imagenet": Source(
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip", "tiny-imagenet-200", "tiny-imagenet-200",
        "md5:90528d7ca1a48142e341f4ef8d21d0de", "photographs of ImageNet, for non-commercial research and teaching",
    ),
    "cifar10": Source(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz", "cifar-10-batches-py", "cifar-10-batches-py",
        "md5:c58f30108f718f92721af3b95e74349a", "not stated",
    ),
    "cifar100": Source(
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz", "cifar-100-python", "cifar-100-python",
        "md5:eb9058c3a382ffc7106e4002c42a8d85", "not stated",
    ),
    "spoken-digits": Source(
        "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz", "free-spoken-digit-dataset-1.0.10",
        "free-spoken-digits", None, "CC BY-SA 4.0",
    ),
    "speech-commands": Source(
        "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz", ".", "speech-commands",
        "sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58", "CC BY 4.0",
    ),
    "sentence-polarity": Source(
        "https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz", "rt-polaritydata", "rt-polarity",
        "sha256:a05befe52aafda71d458d188a1c54506a998b1308613ba76bbda2e5029409ce9", "for research",
    ),
}  # fmt: skip


def fetch(name, root=None, *, sources=SOURCES, progress=True):
    """Make sure the data set ``name``, one of ``SOURCES``, lies in ``root`` (default XAI_DATA), and return
    its folder.

    A folder that exists is left alone. ImageNet must be asked for at image-net.org and put there by hand.
    """
    if name not in sources:
        near = difflib.get_close_matches(str(name), sources, n=2, cutoff=0.4) or list(sources)
        raise ValueError(
            f"dataset must be one of {', '.join(sources)}, got {name!r}; near it: {', '.join(near)}."
        )
    source, root = sources[name], data_root(root)
    target = root / source.name
    if not target.exists():
        archive = root / "downloads" / source.url.rsplit("/", 1)[1]
        download(source.url, archive, source.checksum, progress=progress)
        unpack(archive, source.folder, target)
        archive.unlink()
    return target


def download(url, path, checksum=None, *, progress=True):
    """Bring ``url`` to ``path``, going on from ``path``.part; the file appears under its name only with the
    right checksum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    part, idle, total, reason = path.with_name(f"{path.name}.part"), 0, None, "the connection ended"
    while total is None or _size(part) < total:
        before = _size(part)
        try:
            total = _receive(url, part, progress)
        except HTTPError as error:
            if error.code != 416:  # 416: nothing is left to send
                raise
            total = before
        except (OSError, HTTPException) as error:
            reason = error
        idle = idle + 1 if _size(part) <= before else 0
        if idle == ATTEMPTS:
            raise ConnectionError(
                f"{url} broke off at {_size(part):,} bytes ({reason}); call again to go on from there."
            )
    verify(part, checksum, url)
    os.replace(part, path)


def _receive(url, part, progress):
    """One connection: append to ``part`` what is missing of it and return how long the whole file is."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    with urllib.request.urlopen(request, timeout=60) as response:
        if response.status != 206:  # the server sends the whole file again
            start = 0
        total = start + int(response.headers["Content-Length"])
        bar = tqdm(
            total=total, initial=start, unit="B", unit_scale=True, desc=part.stem, disable=not progress
        )
        with bar, open(part, "ab" if start else "wb") as file:
            while block := response.read(BLOCK):
                file.write(block)
                bar.update(len(block))
    return total


def _size(path):
    return path.stat().st_size if path.exists() else 0


def verify(path, checksum, url):
    """Refuse, and remove, a file whose checksum is not the published one."""
    if checksum is None:
        return
    kind, expected = checksum.split(":")
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != expected:
        size = _size(path)
        path.unlink()
        raise ValueError(
            f"{url} must have the {kind} checksum {expected}, got {found} ({size:,} bytes); the file was removed."
        )


def unpack(archive, folder, target):
    """Unpack ``archive`` beside ``target`` and move its ``folder`` there in one step."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as place:
        content = Path(place) / "content"
        shutil.unpack_archive(archive, content, **({} if archive.suffix == ".zip" else {"filter": "data"}))
        if not (content / folder).is_dir():
            raise ValueError(
                f"{archive} must hold the folder {folder!r}, got {sorted(p.name for p in content.iterdir())[:5]}."
            )
        os.replace(content / folder, target)
