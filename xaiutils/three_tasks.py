"""AXAI's three tasks, one input at a time: pictures, spoken words as spectrograms, sentences as word vectors.

>>> tasks = three_tasks("efficientnet-lite0", n_images=3, n_sounds=4, sentences=["a warm and funny film"])
>>> v = tasks["textcnn-polarity"].perturb(0, PGD(step_size=0.1, radius=1.0))        # doctest: +SKIP
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from xaiutils import datasets, models
from xaiutils.datasets import sentence_polarity, spoken_digits
from xaiutils.engine import Engine
from xaiutils.models.text import encode

SPEECH, TEXT = "lenet-digits", "textcnn-polarity"


@dataclass
class Task:
    """A network and its inputs, read when they are asked for.

    ``names``   what each input is called: a file, a word and its voice, a sentence
    ``read``    number of an input -> (1, ...), on the network's device
    ``bounds``  the limits of what an input can be, (0, 1) for pixels and spectrograms; None for word vectors
    """

    network: nn.Module
    names: list
    read: Callable[[int], Tensor]
    bounds: tuple | None = None
    engine: Engine = field(init=False)

    def __post_init__(self):
        self.engine = Engine(self.network, output="logprob")

    def __len__(self):
        return len(self.names)

    def perturb(self, index, attack):
        """The perturbation by which ``attack``, a PGD, takes down what the network predicts. -> (1, ...)"""
        x = self.read(index)
        return attack.perturb(self.engine, x, self.predicted(x))

    def predicted(self, x):
        """The predicted class of each row, (N,)."""
        return self.engine.scores(x).argmax(1)


def three_tasks(model, photographs="embedded", n_images=3, n_sounds=0, texts="embedded", n_sentences=None, sentences=(),
                *, small_model="vgg-cifar10", small_pictures="embedded", n_small=0, least_words=1,
                words=("right", "three"), seed=0, device="cpu"):
    """The tasks by the name of their network; one with nothing to explain is left out. -> {name: Task}

    ``photographs``  "embedded", or a folder of XAI_DATA that ``model`` explains ``n_images`` of, drawn from ``seed``
    ``n_small``      pictures of ``small_pictures`` (as :func:`datasets.explained_pictures` has it: "embedded", "cifar10"),
                     at the size that ``small_model`` takes
    ``n_sounds``     ``words`` in voices that the speech network has not heard, drawn from ``seed``
    ``texts``        "embedded": the ``sentences`` given; "sentence-polarity": the first ``n_sentences`` of its test set
                     with at least ``least_words`` words
    """
    if texts not in ("embedded", "sentence-polarity"):
        raise ValueError(f'texts must be "embedded" or "sentence-polarity", got {texts!r}.')
    if texts == "sentence-polarity":
        read, _ = sentence_polarity.read()
        tested = (read[i] for i in sentence_polarity.split(len(read))[1].tolist())
        sentences = [text for text in tested if len(sentence_polarity.words(text)) >= least_words]
    found = {}
    if n_images:
        found[model] = photograph_task(model, photographs, n_images, seed, device)
    if n_small:
        found[small_model] = picture_task(small_model, small_pictures, n_small, seed, device)
    if n_sounds:
        found[SPEECH] = speech_task(words, n_sounds, seed, device)
    if chosen := list(sentences)[:n_sentences]:
        found[TEXT] = text_task(chosen, device)
    return found


def photograph_task(model, photographs, n_images, seed=0, device="cpu"):
    files = datasets.explained_files(photographs, n_images, seed)
    return Task(models.load(model).to(device), [path.name for path, _ in files],
                lambda index: datasets.read_image(files[index][0]).to(device), (0.0, 1.0))


def picture_task(model, source, n, seed=0, device="cpu"):
    network = models.load(model).to(device)
    pictures = datasets.explained_pictures(source, n, network.input_size, seed=seed)
    return Task(network, list(pictures.names), lambda index: pictures.inputs[[index]].to(device), (0.0, 1.0))


def speech_task(words, n_sounds, seed=0, device="cpu"):
    spoken = spoken_digits.synthesized("test", words, pitches=(20, 50, 80), speeds=(150,))
    if not 1 <= n_sounds <= len(spoken.names):
        raise ValueError(f"n_sounds must lie in 1 ... {len(spoken.names)}, got {n_sounds!r}.")
    order = torch.randperm(len(spoken.names), generator=torch.Generator().manual_seed(seed))[:n_sounds].tolist()
    return Task(models.load(SPEECH).to(device), [spoken.names[place] for place in order],
                lambda index: spoken_digits.spectrogram(spoken.sounds[[order[index]]]).to(device), (0.0, 1.0))


def text_task(sentences, device="cpu"):
    network = models.load(TEXT).to(device)

    def read(index):
        return network.embed(encode([sentences[index]], network.vocabulary).to(device)).detach()

    return Task(network, list(sentences), read)
