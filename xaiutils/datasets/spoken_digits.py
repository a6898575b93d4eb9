"""Spoken digits and words as log-spectrograms: the recordings of the Free Spoken Digit Dataset, and words by
eSpeak NG.

The recordings (``free-spoken-digits/DIGIT_SPEAKER_TAKE.wav``, or the repository's own folder ``recordings``
in it) are 8 kHz, six speakers, 50 takes of each digit; takes 0 to 4 are the test set, as its authors say.
Jackson et al., CC BY-SA 4.0.
"""

import re
from dataclasses import dataclass

import numpy as np
import torch
from scipy.io import wavfile

from xaiutils.datasets.storage import DatasetMissing, data_root, require
from xaiutils.datasets.synthesis import ACCENTS, RATE, speak_all

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = (*DIGITS, "right", "tree")
HINT = "get it with `make data DATASET=spoken-digits`"
SPEAKERS, TAKES, TEST_TAKES = 6, 50, 5
VARIANTS = {"train": ("m1", "m2", "m4", "m5", "m6", "m8", "f1", "f2", "f4"), "test": ("m3", "m7", "f3", "f5")}
SIZE = (128, 64)  # frequencies and times of a spectrogram
LENGTH = RATE  # samples of a sound: one second


@dataclass(frozen=True)
class Sounds:
    """Sounds of one second with the words they say.

    ``sounds``  (N, 8000) float32 samples in [-1, 1], loudest 1
    ``labels``  (N,) indices into ``WORDS``
    ``names``   N strings: file, or word and voice
    """

    sounds: torch.Tensor
    labels: torch.Tensor
    names: list


def recordings(split, root=None):
    """The recorded digits: ``split`` is "train" (takes 5 to 49; 2,700) or "test" (takes 0 to 4 of each
    speaker; 300)."""
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    folder = require(data_root(root) / "free-spoken-digits", "Free Spoken Digits", HINT)
    folder = folder / "recordings" if (folder / "recordings").is_dir() else folder
    parts = [(file, re.fullmatch(r"(\d)_(\w+)_(\d+)", file.stem)) for file in sorted(folder.glob("*.wav"))]
    rows = [(file, int(m[1])) for file, m in parts if m and (int(m[3]) < TEST_TAKES) == (split == "test")]
    expected = 10 * SPEAKERS * (TEST_TAKES if split == "test" else TAKES - TEST_TAKES)
    if len(rows) != expected:
        raise DatasetMissing(
            f"Free Spoken Digits' {split} takes must be {expected} recordings, found {len(rows)} in {str(folder)!r}; {HINT}"
        )
    return Sounds(
        torch.stack([one_second(_read(file)) for file, _ in rows]),
        torch.tensor([d for _, d in rows]),
        [f.name for f, _ in rows],
    )


def synthesized(split, words=WORDS, pitches=(20, 50, 80), speeds=(130, 170)):
    """Every one of ``words`` by every voice of ``split``, at every pitch and speed; "test" has voices that
    "train" has not."""
    if split not in VARIANTS:
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    voices = [f"{accent}+{variant}" for accent in ACCENTS for variant in VARIANTS[split]]
    requests = [
        {"text": word, "voice": voice, "pitch": pitch, "speed": speed}
        for word in words for voice in voices for pitch in pitches for speed in speeds
    ]  # fmt: skip
    return Sounds(
        torch.stack([one_second(sound) for sound in speak_all(requests)]),
        torch.tensor([WORDS.index(request["text"]) for request in requests]),
        ["{text} by {voice}, pitch {pitch}, speed {speed}".format(**request) for request in requests],
    )


def _read(file):
    rate, samples = wavfile.read(file)
    if rate != RATE or samples.dtype != np.int16 or samples.ndim != 1:
        raise ValueError(
            f"{file} must be one channel of 16 bits at {RATE} Hz, got {samples.dtype}, shape {samples.shape}, {rate} Hz"
        )
    return samples / 2**15


def one_second(sound):
    """``sound`` in the middle of one second, silence around it or its ends cut off, its loudest sample 1."""
    sound = torch.as_tensor(np.asarray(sound), dtype=torch.float32)
    start = max(0, (len(sound) - LENGTH) // 2)
    sound = sound[start : start + LENGTH]
    left = (LENGTH - len(sound)) // 2
    padded = torch.nn.functional.pad(sound, (left, LENGTH - len(sound) - left))
    return padded / padded.abs().max().clamp_min(1e-6)


def spectrogram(sounds):
    """Log-spectrograms (N, 1, 128, 64) in [0, 1] of sounds (N, 8000); row 0 is the lowest frequency.

    Hann windows of 254 samples (32 ms) every 126; the power in decibels, from 80 below the loudest point (0)
    up to it (1).
    """
    window = torch.hann_window(254, device=sounds.device)
    power = (
        torch.stft(sounds, 254, hop_length=126, window=window, return_complex=True).abs().square()
    )  # (N, 128, 64)
    decibels = 10 * torch.log10(power.clamp_min(1e-12))
    return ((decibels - decibels.amax((1, 2), keepdim=True)) / 80 + 1).clamp(0, 1)[:, None]
