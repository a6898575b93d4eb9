"""Examples 1 and 2 of the credible path, by hand, by quadrature and by the closed form."""

import pytest
import torch

from xaiutils.methods import IntegratedGradients
from xaiutils.models.two_pieces import TwoPieces


@pytest.mark.parametrize("repaired", [False, True])
def test_examples_by_hand(repaired):
    pieces = TwoPieces(repaired)
    # from 0 to (1, 1) the weights are (1, 4); from there (4, 1)
    assert pieces.straight([1.5, 1.5], [0, 0]).tolist() == pytest.approx([1 + 4 * 0.5, 4 + 0.5])
    assert pieces.straight([4, 4], [0, 0]).tolist() == pytest.approx([1 + 4 * 3, 4 + 3])
    assert pieces.straight([1.5, 1.5], [3, 3]).tolist() == pytest.approx([-6, -1.5])
    assert pieces.straight([4, 4], [3, 3]).tolist() == pytest.approx([4, 1])


@pytest.mark.parametrize("repaired", [False, True])
def test_the_closed_form_is_the_integral(repaired):
    pieces, generator = TwoPieces(repaired), torch.Generator().manual_seed(0)
    for x, start in torch.rand(20, 2, 1, 2, generator=generator, dtype=torch.float64) * 4:
        integral = IntegratedGradients(pieces).attribute(x, start, n_steps=20001, method="riemann_middle")
        torch.testing.assert_close(integral[0], pieces.straight(x[0], start[0]), atol=2e-3, rtol=0)


def test_the_print_jumps_and_the_repair_does_not():
    points = torch.tensor([[1.0, 1.0], [1 + 1e-9, 1 + 1e-9], [1.001, 1.0]], dtype=torch.float64)
    assert TwoPieces()(points).tolist() == pytest.approx([6, 7, 0], abs=1e-7)
    assert TwoPieces(repaired=True)(points).tolist() == pytest.approx([6, 6, 6.004], abs=1e-7)


def test_weights_are_the_gradient():
    for repaired in (False, True):
        pieces = TwoPieces(repaired)
        x = (torch.rand(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 3).requires_grad_()
        pieces(x).sum().backward()
        torch.testing.assert_close(x.grad, pieces.weights(x.detach()))


def test_the_repair_is_complete():
    pieces = TwoPieces(repaired=True)
    for x, start in torch.rand(20, 2, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 4:
        change = pieces(x[None]) - pieces(start[None])
        assert pieces.straight(x, start).sum().item() == pytest.approx(change.item(), abs=1e-12)


def test_a_coordinate_that_does_not_move_gets_nothing():
    assert TwoPieces(repaired=True).straight([2, 0.5], [0, 0.5]).tolist() == pytest.approx([1 + 4, 0])
