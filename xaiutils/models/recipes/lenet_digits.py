"""LeNet on spectrograms of spoken digits, recorded and synthesized, and of AXAI's words "right" and
"tree"."""

import torch

from xaiutils.datasets import spoken_digits
from xaiutils.models.architectures import lenet
from xaiutils.models.pictures import split_by_class
from xaiutils.models.recipes import Recipe, Splits


def data(root=None):
    """Recordings and synthesized words together to learn from; takes and voices that are not among them to
    test."""
    parts = [spoken_digits.recordings("train", root), spoken_digits.synthesized("train")]
    sounds, labels = torch.cat([part.sounds for part in parts]), torch.cat([part.labels for part in parts])
    mixed = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    train, held_out = split_by_class(sounds[mixed], labels[mixed], last=30)
    recorded, spoken = spoken_digits.recordings("test", root), spoken_digits.synthesized("test")
    tests = {
        "recordings": (recorded.sounds, recorded.labels),
        "other synthesized voices": (spoken.sounds, spoken.labels),
    }
    return Splits(train, held_out, tests, list(spoken_digits.WORDS))


def prepare(sounds, generator=None):
    """Spectrograms; with a generator the sounds are moved by up to 0.1 s and hidden in white noise 50 to 10
    decibels weaker."""
    if generator is not None:
        shifts = torch.randint(-800, 801, (len(sounds), 1), generator=generator)
        sounds = sounds.gather(1, (torch.arange(sounds.shape[1]) - shifts) % sounds.shape[1])
        level = 10 ** (-2.5 + 2 * torch.rand(len(sounds), 1, generator=generator))
        power = sounds.square().mean(1, keepdim=True).sqrt()
        sounds = sounds + level * power * torch.randn(sounds.shape, generator=generator)
    return spoken_digits.spectrogram(sounds)


RECIPE = Recipe(
    network=lenet,
    input_shape=(1, *spoken_digits.SIZE),
    data=data,
    prepare=prepare,
    epochs=20,
    peak_rate=0.03,
    batch_size=64,
    bf16=False,
    card={
        "data": 'Free Spoken Digit Dataset (3,000 recordings of ten digits by six speakers) and the digits, "right" and "tree" spoken by eSpeak NG '
        "in five accents, three pitches, two speeds",
        "split": "recordings: takes 5 to 49 of each speaker to learn from, takes 0 to 4 as test set; synthesized: nine variants of the voice to learn "
        "from, four others as test set; 30 of each word held out of the learnt ones to choose the epoch",
        "licence": "Free Spoken Digit Dataset CC BY-SA 4.0; the synthesized words are our own",
        "source": "LeNet-5, as in AXAI's speech experiment",
    },
)
