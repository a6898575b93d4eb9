import made_up_data as made_up
import numpy as np
import pytest
import torch

from xaiutils.datasets import speech_commands
from xaiutils.datasets.storage import DatasetMissing


@pytest.fixture
def root(tmp_path):
    """Two words, four recordings each of a slow sine; number 1 is for validation, number 2 for testing."""
    sine = 20_000 * np.sin(2 * np.pi * 100 * np.arange(16_000) / 16_000)
    for word in ("right", "tree"):
        for number in range(4):
            made_up.recording(
                tmp_path / "speech-commands" / word / f"ab{number}_nohash_0.wav", sine, rate=16_000
            )
    (tmp_path / "speech-commands" / "validation_list.txt").write_text(
        "right/ab1_nohash_0.wav\ntree/ab1_nohash_0.wav\n"
    )
    (tmp_path / "speech-commands" / "testing_list.txt").write_text(
        "right/ab2_nohash_0.wav\ntree/ab2_nohash_0.wav\n"
    )
    return tmp_path


def test_the_official_lists_make_the_splits(root):
    numbers = {split: [name[8] if name[0] == "r" else name[7] for name in speech_commands.read(split, root, words=("right", "tree")).names]
               for split in ("train", "validation", "test")}  # fmt: skip
    assert numbers == {"train": ["0", "3", "0", "3"], "validation": ["1", "1"], "test": ["2", "2"]}


def test_sixteen_kilohertz_become_eight_and_the_tone_stays(root):
    sounds = speech_commands.read("test", root, words=("tree",))
    expected = torch.sin(2 * torch.pi * 100 * torch.arange(8000) / 8000)
    assert sounds.labels.tolist() == [0]
    torch.testing.assert_close(sounds.sounds[0][200:-200], expected[200:-200], atol=0.02, rtol=0)


def test_per_word_keeps_the_first(root):
    assert speech_commands.read("train", root, words=("tree", "right"), per_word=1).names == [
        "tree/ab0_nohash_0.wav",
        "right/ab0_nohash_0.wav",
    ]


def test_what_is_missing_is_named(root):
    with pytest.raises(
        DatasetMissing, match=r"/bed' is missing; get it with `make data DATASET=speech-commands`"
    ):
        speech_commands.read("train", root, words=("bed",))
    (root / "speech-commands" / "tree" / "ab2_nohash_0.wav").unlink()
    with pytest.raises(
        DatasetMissing, match=r"lacks 1 listed recordings of 'tree', such as tree/ab2_nohash_0.wav"
    ):
        speech_commands.read("train", root, words=("tree",))
