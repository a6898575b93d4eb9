"""A sentence-classification CNN on sentence polarity, word vectors learnt from scratch."""

from collections import Counter

import torch

from xaiutils.datasets import sentence_polarity
from xaiutils.models.architectures import SentenceCNN
from xaiutils.models.recipes import Recipe, Splits
from xaiutils.models.text import encode

N_WORDS, LENGTH = 8000, 64


def data(root=None):
    """Eight tenths to learn from, one held out, one to test; the vocabulary is that of the first."""
    sentences, labels = sentence_polarity.read(root)
    rest, test = sentence_polarity.split(len(sentences), seed=0)
    inner, outer = sentence_polarity.split(len(rest), share=1 / 9, seed=1)
    train, held_out = rest[inner], rest[outer]
    counts = Counter(word for i in train for word in set(sentence_polarity.words(sentences[i])))
    vocabulary = [
        "<padding>",
        "<unknown>",
        *sorted(counts, key=lambda word: (-counts[word], word))[: N_WORDS - 2],
    ]
    numbers = encode(sentences, vocabulary, LENGTH)
    train, held_out, test = ((numbers[part], labels[part]) for part in (train, held_out, test))
    return Splits(
        train, held_out, {"test set": test}, list(sentence_polarity.CLASS_NAMES), {"vocabulary": vocabulary}
    )


def prepare(numbers, generator=None):
    """Word numbers without the columns that only pad; with a generator a fifth of the words becomes
    unknown."""
    numbers = numbers[:, : int((numbers > 0).sum(1).max())]
    if generator is None:
        return numbers
    hidden = (torch.rand(numbers.shape, generator=generator) < 0.2) & (numbers > 0)
    return numbers.masked_fill(hidden, 1)


RECIPE = Recipe(
    network=SentenceCNN,
    input_shape=(LENGTH, 100),
    data=data,
    prepare=prepare,
    epochs=6,
    peak_rate=1e-3,
    batch_size=50,
    optimizer="adamw",
    weight_decay=0.01,
    bf16=False,
    card={
        "data": "sentence polarity data set v1.0, 10,662 sentences from film reviews",
        "split": "a seeded random tenth as test set, another held out to choose the epoch, the rest to learn from",
        "licence": "Pang and Lee 2005, for research; no sentence is stored here, the weights hold the list of frequent words",
        "source": "Kim 2014 (CNN-rand): filters 3, 4 and 5 words wide, 100 each, word vectors of 100 numbers",
    },
)
