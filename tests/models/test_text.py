from xaiutils.models.text import encode

VOCABULARY = ["<padding>", "<unknown>", "a", "good", "film", "n't"]


def test_words_become_their_positions_unknown_ones_1_and_the_rest_0():
    assert encode(["A good film", "isn't bad"], VOCABULARY).tolist() == [[2, 3, 4], [1, 5, 1]]
    assert encode(["a film"], VOCABULARY, length=4).tolist() == [[2, 4, 0, 0]]


def test_a_sentence_that_is_too_long_is_cut():
    assert encode(["a good film"], VOCABULARY, length=2).tolist() == [[2, 3]]
