"""Sentences as word numbers."""

import torch

from xaiutils.datasets.sentence_polarity import words

PADDING, UNKNOWN = 0, 1


def encode(sentences, vocabulary, length=None):
    """Word numbers (N, length) of ``sentences``: positions in ``vocabulary``, 1 for a word that is not there,
    0 behind the end.

    ``length``  default: that of the longest sentence; longer sentences are cut
    """
    number = {word: position for position, word in enumerate(vocabulary)}
    rows = [[number.get(word, UNKNOWN) for word in words(sentence)] for sentence in sentences]
    length = length or max(len(row) for row in rows)
    return torch.tensor([(row + [PADDING] * length)[:length] for row in rows])
