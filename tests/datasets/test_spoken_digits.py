import made_up_data as made_up
import numpy as np
import pytest
import torch

from xaiutils.datasets import spoken_digits
from xaiutils.datasets.storage import DatasetMissing


@pytest.fixture
def root(tmp_path, monkeypatch):
    """One speaker, seven takes of each digit, 500 * (digit + 1) samples of a square wave of height 1000 *
    (take + 1)."""
    monkeypatch.setattr(spoken_digits, "SPEAKERS", 1)
    monkeypatch.setattr(spoken_digits, "TAKES", 7)
    for digit in range(10):
        for take in range(7):
            wave = 1000 * (take + 1) * np.resize([1, -1], 500 * (digit + 1))
            made_up.recording(tmp_path / "free-spoken-digits" / f"{digit}_anna_{take}.wav", wave)
    return tmp_path


def test_takes_0_to_4_are_the_test_set(root):
    test, train = spoken_digits.recordings("test", root), spoken_digits.recordings("train", root)
    assert test.labels.bincount().tolist() == [5] * 10 and train.labels.bincount().tolist() == [2] * 10
    assert {name.split("_")[2] for name in train.names} == {"5.wav", "6.wav"}


def test_a_recording_stands_in_the_middle_of_a_second_at_full_loudness(root):
    sounds = spoken_digits.recordings("test", root)
    three = sounds.sounds[sounds.names.index("3_anna_2.wav")]
    assert three.shape == (8000,)
    assert three.abs().tolist() == [0.0] * 3000 + [1.0] * 2000 + [0.0] * 3000


def test_a_long_sound_loses_its_ends():
    sound = spoken_digits.one_second(np.arange(10_001.0))
    torch.testing.assert_close(sound, torch.arange(1000.0, 9000.0) / 8999)


def test_a_missing_recording_is_counted(root):
    (root / "free-spoken-digits" / "4_anna_6.wav").unlink()
    with pytest.raises(
        DatasetMissing,
        match="train takes must be 20 recordings, found 19 .* `make data DATASET=spoken-digits`",
    ):
        spoken_digits.recordings("train", root)


def test_another_sampling_rate_is_refused(root):
    made_up.recording(root / "free-spoken-digits" / "4_anna_1.wav", [1, 2, 3], rate=16000)
    with pytest.raises(
        ValueError, match="4_anna_1.wav must be one channel of 16 bits at 8000 Hz, got int16, .* 16000 Hz"
    ):
        spoken_digits.recordings("test", root)


def test_the_spectrogram_of_a_tone_is_one_bright_line():
    """A tone of 1000 Hz lies at bin 1000 / (8000 / 254) = 31.75: bright at 32, and 80 decibels darker far
    away."""
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / 8000)[None]
    image = spoken_digits.spectrogram(tone)
    assert image.shape == (1, 1, *spoken_digits.SIZE)
    middle = image[0, 0, :, 10:50]  # away from the ends, where the tone is cut
    assert (middle.argmax(0) == 32).all() and middle.max() > 0.97
    assert (middle[[5, 100]] < 0.1).all()


def test_the_spectrogram_knows_no_loudness_and_silence_is_uniform():
    sound = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        spoken_digits.spectrogram(sound), spoken_digits.spectrogram(sound / 7), atol=1e-4, rtol=0
    )
    assert spoken_digits.spectrogram(torch.zeros(1, 8000)).unique().tolist() == [1.0]


def test_synthesized_words_have_every_voice_pitch_and_speed(monkeypatch):
    monkeypatch.setattr(spoken_digits, "ACCENTS", ("en-us", "en"))
    monkeypatch.setattr(spoken_digits, "VARIANTS", {"test": ("m3", "f5")})
    sounds = spoken_digits.synthesized("test", words=("tree", "one"), pitches=(30, 60), speeds=(150,))
    assert sounds.sounds.shape == (16, 8000)  # 2 words, 2 accents, 2 variants, 2 pitches
    assert sounds.labels.tolist() == [11] * 8 + [1] * 8
    assert sounds.names[0] == "tree by en-us+m3, pitch 30, speed 150" and len(set(sounds.names)) == 16
    assert (sounds.sounds.abs().amax(1) == 1).all()


def test_learnt_and_tested_voices_differ():
    assert not set(spoken_digits.VARIANTS["train"]) & set(spoken_digits.VARIANTS["test"])
