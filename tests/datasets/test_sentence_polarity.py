import pytest

from xaiutils.datasets import sentence_polarity
from xaiutils.datasets.storage import DatasetMissing


def write(root, negative, positive):
    (root / "rt-polarity").mkdir()
    (root / "rt-polarity" / "rt-polarity.neg").write_bytes(negative.encode("latin-1"))
    (root / "rt-polarity" / "rt-polarity.pos").write_bytes(positive.encode("latin-1"))


def test_negative_sentences_come_first_and_latin_letters_survive(tmp_path, monkeypatch):
    monkeypatch.setattr(sentence_polarity, "COUNT", 2)
    write(tmp_path, "dull . \na bore . \n", "a na\u00efve joy . \nfine\u0085. \n")
    sentences, labels = sentence_polarity.read(tmp_path)
    assert sentences == [
        "dull .",
        "a bore .",
        "a naïve joy .",
        "fine\u0085.",
    ]  # \u0085 is no end of a line here
    assert labels.tolist() == [0, 0, 1, 1]


def test_another_number_of_sentences_is_refused(tmp_path):
    write(tmp_path, "dull .\n", "fine .\n")
    with pytest.raises(
        DatasetMissing, match=r"rt-polarity.neg' must hold 5331 sentences, one a line, found 1"
    ):
        sentence_polarity.read(tmp_path)


def test_the_split_is_seeded_and_parts_do_not_meet():
    rest, tenth = sentence_polarity.split(105, seed=3)
    assert len(tenth) == 10 and sorted([*rest.tolist(), *tenth.tolist()]) == list(range(105))
    assert (
        tenth.tolist()
        == sentence_polarity.split(105, seed=3)[1].tolist()
        != sentence_polarity.split(105, seed=4)[1].tolist()
    )


def test_words_follow_the_data_sets_way_of_writing():
    assert sentence_polarity.words("It's NOT good, isn't it?") == [
        "it",
        "'s",
        "not",
        "good",
        ",",
        "is",
        "n't",
        "it",
        "?",
    ]
    assert sentence_polarity.words("a naïve , film-goer 's joy .") == [
        "a",
        "naive",
        ",",
        "film",
        "-",
        "goer",
        "'s",
        "joy",
        ".",
    ]
