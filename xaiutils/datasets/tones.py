"""Tones that differ in a known moment: what a network tells apart in them, it must have heard there.

A steady tone of one second with faint noise jumps up, or down, by a factor 1.6 for 0.15 s and comes back. Outside that
window the two kinds are the same, sample for sample, so an explanation has a place where it must lie.
"""

import math
from dataclasses import dataclass

import torch

from xaiutils.datasets.spoken_digits import LENGTH
from xaiutils.datasets.synthesis import RATE

KINDS = ("down", "up")
JUMP, SECONDS, FADE = 1.6, 0.15, 0.01
PITCHES, STARTS = (700.0, 1100.0), (0.1, 0.75)  # Hz and seconds that are drawn from


@dataclass(frozen=True)
class Tones:
    """``sounds`` (N, 8000) float32 in [-1, 1], ``labels`` (N,) indices into ``KINDS``, ``windows`` (N, 2) seconds."""

    sounds: torch.Tensor
    labels: torch.Tensor
    windows: torch.Tensor


def tones(n, *, seed=0, other=False):
    """``n`` tones, down and up in turn, pitch, window and noise drawn from ``seed``. -> Tones

    ``other``  the counterparts: the same draws, each tone jumping the other way
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(n, 2, generator=generator, dtype=torch.float64)
    noise = torch.randn(n, LENGTH, generator=generator, dtype=torch.float64)
    labels = (torch.arange(n) + int(other)) % 2
    pitches, starts = (low + (high - low) * drawn[:, k] for k, (low, high) in enumerate((PITCHES, STARTS)))
    return Tones(tone(pitches, starts, labels, noise), labels, torch.stack([starts, starts + SECONDS], 1))


def tone(pitches, starts, labels, noise=0.0):
    """The sounds (N, 8000) of tones of ``pitches`` Hz with a jump at ``starts`` seconds, up where ``labels`` are 1."""
    pitches, starts, up = (torch.as_tensor(v, dtype=torch.float64).reshape(-1, 1) for v in (pitches, starts, labels))
    time = torch.arange(LENGTH, dtype=torch.float64) / RATE
    jumped = pitches * JUMP ** (2 * up - 1)
    inside = (time - starts) / FADE
    share = inside.clamp(0, 1).minimum((SECONDS / FADE - inside).clamp(0, 1))                   # 0 outside, 1 inside
    steady, other = (torch.sin(2 * math.pi * hertz * time) for hertz in (pitches, jumped))
    return (0.5 * ((1 - share) * steady + share * other) + 0.01 * torch.as_tensor(noise)).clamp(-1, 1).float()
