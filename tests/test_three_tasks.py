"""Three networks and their inputs under one roof."""

import pytest
import torch

from xaiutils import datasets
from xaiutils.datasets import sentence_polarity
from xaiutils.methods.pgd import PGD
from xaiutils.models.text import encode
from xaiutils.three_tasks import three_tasks

SENTENCE = "a work of astonishing delicacy and force"


@pytest.fixture(scope="module")
def tasks():
    return three_tasks("efficientnet-lite0", n_images=2, n_small=2, n_sounds=3, sentences=[SENTENCE, "a dull film"])


def test_each_task_has_its_inputs(tasks):
    assert {name: len(task) for name, task in tasks.items()} == {"efficientnet-lite0": 2, "vgg-cifar10": 2, "lenet-digits": 3,
                                                                 "textcnn-polarity": 2}
    assert torch.equal(tasks["efficientnet-lite0"].read(1), datasets.photographs(2).inputs[1:])
    assert torch.equal(tasks["vgg-cifar10"].read(1), datasets.explained_pictures("embedded", 2, 32).inputs[1:])
    assert tasks["lenet-digits"].read(0).shape == (1, 1, 128, 64)
    assert tasks["textcnn-polarity"].read(0).shape == (1, 7, 100)


def test_words_and_their_vectors_give_the_same_scores(tasks):
    task = tasks["textcnn-polarity"]
    by_number = task.network(encode([SENTENCE], task.network.vocabulary))
    torch.testing.assert_close(task.network(task.read(0)), by_number)


def test_the_sounds_are_the_words_asked_for_and_recognised(tasks):
    task = tasks["lenet-digits"]
    said = [name.split(" by ")[0] for name in task.names]
    assert set(said) <= {"right", "three"}
    assert [task.network.class_names[int(task.predicted(task.read(i)))] for i in range(3)] == said


def test_an_attack_stays_in_its_ball_and_takes_the_prediction_down(tasks):
    for task in tasks.values():
        x, v = task.read(0), task.perturb(0, PGD(step_size=0.1, max_steps=3, radius=0.2))
        assert v.norm() <= 0.2001
        target = task.predicted(x)
        assert task.engine.scores(x + v)[0, target] < task.engine.scores(x)[0, target]


def test_a_task_without_inputs_is_left_out():
    assert list(three_tasks("efficientnet-lite0", n_images=0, sentences=[SENTENCE])) == ["textcnn-polarity"]


def test_the_test_set_is_read_in_its_order(monkeypatch):
    made_up = [f"{i} " * (i + 1) for i in range(20)]
    monkeypatch.setattr(sentence_polarity, "read", lambda: (made_up, None))
    tested = [made_up[i] for i in sentence_polarity.split(20)[1].tolist()]
    assert len(tested) == 2
    found = three_tasks("efficientnet-lite0", n_images=0, texts="sentence-polarity", n_sentences=5, least_words=4)
    assert found["textcnn-polarity"].names == [text for text in tested if len(text.split()) >= 4]


@pytest.mark.parametrize("wrong, message", [({"texts": "rt"}, "texts must be"), ({"n_sounds": 1000}, "n_sounds must lie in 1 ... ")])
def test_wrong_arguments_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        three_tasks("efficientnet-lite0", **{"n_images": 0} | wrong)
