"""Speech Commands (version 0.02): 105,829 recordings of 35 words by thousands of people, one second each.

Read from ``speech-commands/WORD/SPEAKER_nohash_N.wav`` with ``validation_list.txt`` and ``testing_list.txt``,
as the official archive has them; 16 kHz, brought to the 8 kHz of the recorded digits. Warden 2018, CC BY 4.0.
"""

import numpy as np
import torch
from scipy.io import wavfile
from scipy.signal import decimate

from xaiutils.datasets.spoken_digits import WORDS, Sounds, one_second
from xaiutils.datasets.storage import DatasetMissing, data_root, require

HINT = "get it with `make data DATASET=speech-commands`"
NATIVE_RATE = 16_000
LISTS = {"test": "testing_list.txt", "validation": "validation_list.txt"}


def read(split, root=None, *, words=WORDS, per_word=None):
    """The recordings of ``words`` in a ``split``, "train", "validation" or "test" as officially listed, as
    ``Sounds``.

    ``words``     labels are positions in it; default: the ten digits, "right" and "tree"
    ``per_word``  keep only the first so many of each, in the order of file names; None: all
    """
    if split not in ("train", *LISTS):
        raise ValueError(f"split must be 'train', 'validation' or 'test', got {split!r}")
    folder = require(data_root(root) / "speech-commands", "Speech Commands", HINT)
    lists = {key: require(folder / name, "Speech Commands", HINT).read_text() for key, name in LISTS.items()}
    listed = {name: key for key, text in lists.items() for name in text.split()}
    names, labels = [], []
    for label, word in enumerate(words):
        there = _recordings(folder, word, listed)
        chosen = [name for name in there if listed.get(name, "train") == split][:per_word]
        names += chosen
        labels += [label] * len(chosen)
    if not names:
        raise DatasetMissing(f"Speech Commands has no {split} recording of {words} in {str(folder)!r}; {HINT}")
    sounds = torch.stack([one_second(_read(folder / name)) for name in names])
    return Sounds(sounds, torch.tensor(labels), names)


def _recordings(folder, word, listed):
    """WORD/FILE of every recording of ``word``; those of the official lists must be there."""
    place = require(folder / word, "Speech Commands", HINT)
    there = [f"{word}/{file.name}" for file in sorted(place.glob("*.wav"))]
    missing = {name for name in listed if name.startswith(f"{word}/")} - set(there)
    if missing:
        raise DatasetMissing(
            f"Speech Commands lacks {len(missing)} listed recordings of {word!r}, such as {min(missing)}; {HINT}"
        )
    return there


def _read(file):
    rate, samples = wavfile.read(file)
    if rate != NATIVE_RATE or samples.dtype != np.int16 or samples.ndim != 1:
        raise ValueError(
            f"{file} must be one channel of 16 bits at {NATIVE_RATE} Hz, got {samples.dtype}, shape {samples.shape}, {rate} Hz"
        )
    return decimate(samples / 2**15, 2, ftype="fir")
