"""States of units that can be read off the weights."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from xaiutils.metrics.linear_pieces import share_changed, unit_states


class Mixed(nn.Module):
    """A functional ReLU, a module used twice and a ReLU6, on three numbers."""

    def __init__(self):
        super().__init__()
        self.relu, self.six = nn.ReLU(), nn.ReLU6()
        self.eval()

    def forward(self, x):
        return self.six(3 * self.relu(self.relu(F.relu(x) - 1))).sum(1, keepdim=True)


def test_states_by_hand():
    # x = -1, 2, 5: F.relu shut, open, open; then 0 - 1 shut, 1, 4 open twice; then 3 * (0, 1, 4): shut, open, at 6
    states = unit_states(Mixed(), torch.tensor([[-1.0, 2.0, 5.0]]))
    assert states.tolist() == [[0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 2]]


def test_hardtanh_in_place_and_by_its_own_limits():
    class Clipped(nn.Module):
        def forward(self, x):
            return F.hardtanh(x + 0, -2.0, 3.0, inplace=True)
    assert unit_states(Clipped().eval(), torch.tensor([[-2.5, 0.0, 3.0, 9.0]])).tolist() == [[0, 1, 2, 2]]


def test_winners_of_max_pooling_are_states():
    model = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()).eval()
    image = torch.tensor([[[[1.0, 2.0], [4.0, 3.0]]]])
    assert unit_states(model, image).tolist() == [[2, 1]] and unit_states(model, -image).tolist() == [[0, 0]]


def test_within_a_piece_the_network_is_affine():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)).double().eval()
    a = torch.randn(1, 4, dtype=torch.float64)
    ends = torch.cat([a, a + 1e-4 * torch.randn(1, 4, dtype=torch.float64)])
    states = unit_states(model, ends)
    assert share_changed(states[:1], states[1:]).item() == 0
    with torch.no_grad():
        torch.testing.assert_close(model(ends.mean(0, keepdim=True)), model(ends).mean(0, keepdim=True), rtol=0, atol=1e-14)
    assert share_changed(states[:1], unit_states(model, -a)).item() > 0


def test_batches_do_not_matter_and_nothing_is_left_behind():
    model, x = Mixed(), torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(unit_states(model, x), unit_states(model, x, internal_batch_size=2))
    assert F.relu(x).min() >= 0


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="rectifiers"):
        unit_states(nn.Linear(2, 2).eval(), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="same units"):
        share_changed(torch.zeros(1, 3), torch.zeros(1, 4))
