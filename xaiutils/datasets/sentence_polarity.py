"""Sentence polarity: 5,331 negative and 5,331 positive sentences from film reviews (Pang and Lee 2005,
version 1.0).

Read from ``rt-polarity/rt-polarity.neg`` and ``.pos`` (or the archive's own folder ``rt-polaritydata``),
latin-1, one sentence a line, already in lower case with its signs set apart. For research; the sentences are
their authors' and are not stored here.
"""

import re
import unicodedata

import torch

from xaiutils.datasets.storage import DatasetMissing, data_root, require

HINT = "get it with `make data DATASET=sentence-polarity`"
COUNT = 5331
CLASS_NAMES = ("negative", "positive")


def read(root=None):
    """Sentences (a list of 10,662 strings, the negative ones first) and their labels (tensor of 0 and 1)."""
    root = data_root(root)
    folder = next(
        (root / name for name in ("rt-polarity", "rt-polaritydata") if (root / name).is_dir()),
        root / "rt-polarity",
    )
    sentences, labels = [], []
    for label, ending in enumerate(("neg", "pos")):
        path = require(folder / f"rt-polarity.{ending}", "Sentence polarity", HINT)
        lines = path.read_text(encoding="latin-1").strip().split("\n")
        if len(lines) != COUNT:
            raise DatasetMissing(
                f"{str(path)!r} must hold {COUNT} sentences, one a line, found {len(lines)}; {HINT}"
            )
        sentences += [line.strip() for line in lines]
        labels += [label] * COUNT
    return sentences, torch.tensor(labels)


def split(n, share=0.1, seed=0):
    """Numbers below ``n`` in two seeded random parts: (the rest, ``share`` of them)."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    cut = round(n * share)
    return order[cut:], order[:cut]


def words(sentence):
    """The words of ``sentence`` as the data set writes them: lower case, signs apart, contractions split
    ("it's" -> it 's)."""
    plain = unicodedata.normalize("NFKD", sentence.lower()).encode("ascii", "ignore").decode()
    apart = re.sub(r"n't\b", " n't", plain)
    return re.findall(r"n't|'(?:s|re|ve|d|ll|m)\b|\w+|[^\w\s]", apart)
