"""The function of the credible path's Examples 1 and 2: two linear pieces, whose attributions are known by hand."""

import torch
from torch import Tensor, nn

FIRST, SECOND = (1.0, 4.0), (4.0, 1.0)  # weights of the two pieces


class TwoPieces(nn.Module):
    r"""Two features in, one score out, (R, 2) -> (R,), float64.

    .. math:: F(x) = \begin{cases} x_1 + 4 x_2 + 1 & x_1, x_2 \le 1 \\ 4 x_1 + x_2 + 2 & x_1, x_2 > 1 \\ 0 & \text{else}
              \end{cases}

    ``repaired``  True takes the continuous function with the same weights in both pieces instead,
                  x_1 + 4 x_2 + 1 + 3 relu(x_1 - 1) - 3 relu(x_2 - 1)

    Deviations    As printed F jumps, by 1 at (1, 1) and to 0 at the sides: it is no function that a ReLU network computes.
    Source        Akhtar, Jalwana: Towards credible visual model interpretation with path attribution, 2023, Example 1.
    """

    def __init__(self, repaired=False):
        super().__init__()
        self.repaired = repaired
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        first, second = x[:, 0], x[:, 1]
        if self.repaired:
            return first + 4 * second + 1 + 3 * torch.relu(first - 1) - 3 * torch.relu(second - 1)
        lower, upper = (x <= 1).all(1), (x > 1).all(1)
        return torch.where(lower, first + 4 * second + 1, torch.where(upper, 4 * first + second + 2, 0 * first))

    def weights(self, x: Tensor) -> Tensor:
        """The gradient at ``x`` (R, 2), read off the formula."""
        first, second = (torch.tensor(w, dtype=x.dtype) for w in (FIRST, SECOND))
        if self.repaired:
            return torch.where(x > 1, second, first)
        lower, upper = (x <= 1).all(1, keepdim=True), (x > 1).all(1, keepdim=True)
        return lower * first + upper * second

    def straight(self, x, baseline) -> Tensor:
        """Attributions along the straight line from ``baseline`` to ``x``, two numbers each, exactly. -> (2,)

        The weights of each stretch between the points where a coordinate passes 1, times the step over that stretch.
        """
        x, start = (torch.as_tensor(point, dtype=torch.float64) for point in (x, baseline))
        crossings = ((1 - start) / (x - start)).nan_to_num(0, 0, 0).clamp(0, 1)                    # (2,)
        alphas = torch.cat([crossings, torch.tensor([0.0, 1.0], dtype=torch.float64)]).sort().values
        middles = (alphas[1:] + alphas[:-1]) / 2
        weights = self.weights(start + middles[:, None] * (x - start))                             # (3, 2)
        return (x - start) * (alphas.diff()[:, None] * weights).sum(0)
