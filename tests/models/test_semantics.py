"""Cosines of classes against angles known beforehand."""

import pytest
import torch
from torch import nn

from xaiutils.models.semantics import class_cosines, near_and_far


def network(*rows):
    layer = nn.Linear(2, len(rows))
    layer.weight.data = torch.tensor(rows, dtype=torch.float32)
    return nn.Sequential(nn.Linear(3, 2), nn.ReLU(), layer)


def test_the_angles_of_three_four_five():
    cosines = class_cosines(network([1, 0], [6, 8], [0, -2]))         # 6 / 10 and 8 / 10, whatever the length
    expected = torch.tensor([[1, 0.6, 0], [0.6, 1, -0.8], [0, -0.8, 1]], dtype=torch.float64)
    torch.testing.assert_close(cosines, expected)


def test_a_class_without_weights_is_like_none():
    assert class_cosines(network([1, 0], [0, 0])).isnan().tolist() == [[False, True], [True, True]]


def test_breeds_of_dog_are_alike_and_unlike_an_espresso():
    from xaiutils import models

    model = models.load("efficientnet-lite0")
    dog, other_dog, espresso = (model.class_names.index(name) for name in ("Labrador retriever", "golden retriever", "espresso"))
    cosines = class_cosines(model)
    assert cosines[dog, other_dog] == cosines[dog].sort().values[-2] and cosines[dog, espresso] < 0.1


def test_a_network_without_a_linear_layer_is_refused():
    with pytest.raises(ValueError, match="linear layer"):
        class_cosines(nn.Sequential(nn.Conv2d(3, 5, 1), nn.Flatten()))


def test_near_and_far_leave_out_what_they_are_told_to():
    cosines = class_cosines(network([1, 0], [6, 8], [0, -2], [-1, 0]))         # with class 0: 1, 0.6, 0, -1
    assert near_and_far(cosines, 0) == (1, 3)
    assert near_and_far(cosines, 0, without=[1, 3]) == (2, 2)
    with pytest.raises(ValueError, match="at least one of the 4 classes"):
        near_and_far(cosines, 0, without=[1, 2, 3])
