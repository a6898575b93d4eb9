"""Tones whose kinds differ in a known window and nowhere else."""

import torch

from xaiutils.datasets.synthesis import RATE
from xaiutils.datasets.tones import JUMP, KINDS, SECONDS, tone, tones


def test_counterparts_differ_in_the_window_and_nowhere_else():
    one, other = tones(6, seed=1), tones(6, seed=1, other=True)
    assert one.labels.tolist() == [0, 1, 0, 1, 0, 1] and other.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert torch.equal(one.windows, other.windows)
    for a, b, (start, end) in zip(one.sounds, other.sounds, one.windows.tolist()):
        differ = (a != b).nonzero().flatten() / RATE
        assert start < differ.min() and differ.max() < end
        assert differ.max() - differ.min() > 0.9 * SECONDS


def loudest(sound, start, end):
    """Hz of the loudest frequency between two moments."""
    part = sound[round(start * RATE):round(end * RATE)]
    return torch.fft.rfft(part).abs().argmax().item() * RATE / len(part)


def test_the_pitch_is_the_one_asked_for_before_in_and_after_the_window():
    for kind, factor in zip((0, 1), (1 / JUMP, JUMP)):
        sound = tone(800.0, 0.4, kind)[0]
        assert abs(loudest(sound, 0.0, 0.4) - 800) < 5 and abs(loudest(sound, 0.55, 1.0) - 800) < 5
        assert abs(loudest(sound, 0.41, 0.54) - 800 * factor) < 10
    assert KINDS == ("down", "up")


def test_draws_stay_and_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    assert torch.equal(tones(3, seed=2).sounds, tones(3, seed=2).sounds)
    assert not torch.equal(tones(3, seed=2).sounds, tones(3, seed=3).sounds)
    assert torch.equal(torch.random.get_rng_state(), before)
