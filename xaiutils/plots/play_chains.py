"""To play with: the cone that the columns of a product of matrices span."""

import torch
from ipywidgets import FloatSlider

from xaiutils.metrics.convergence import column_angle, products, singular_ratio
from xaiutils.plots.explorers import explorer
from xaiutils.plots.style import PALETTE, figure, styled


def cone(start=((1.0, 1.0), (0.0, 2.0)), most=40):
    """Type a matrix A of two columns and slide n: the columns of A^n as rays, their angle and sigma_2 / sigma_1.

    ``start``  the matrix that stands there first, by rows; ``most`` the largest power
    """
    (a, b), (c, d) = start

    @styled
    def draw(power, upper_left, upper_right, lower_left, lower_right):
        matrix = torch.tensor([[upper_left, upper_right], [lower_left, lower_right]], dtype=torch.float64)
        chain = list(products([matrix] * power))
        fig, axes = figure(1, 2, (8.4, 3.4))
        _rays(axes[0], chain[-1])
        angles = [column_angle(product) if product.any() else 0.0 for product in chain]
        ratios = [max(singular_ratio(product), 1e-17) for product in chain]
        axes[1].plot(range(1, power + 1), angles, color=PALETTE[1], label="angle in degrees")
        axes[1].plot(range(1, power + 1), ratios, color=PALETTE[0], label=r"$\sigma_2 / \sigma_1$")
        axes[1].set(yscale="log", xlabel="power", ylim=(1e-14, 400), title="both fall where one ray is left")
        axes[1].legend(loc="lower left")
        return fig

    return explorer(draw, power=(1, most), upper_left=_entry(a), upper_right=_entry(b),
                    lower_left=_entry(c), lower_right=_entry(d))


def _entry(value):
    """A field for one entry of the matrix, with -3 to 3."""
    return FloatSlider(value=value, min=-3, max=3, step=0.1)


def _rays(ax, product):
    """The columns of ``product`` as rays of length 1 from the origin."""
    for colour, name, column in zip(PALETTE, ("first column", "second column"), product.T):
        length = column.norm()
        x, y = (column / length).tolist() if length > 0 else (0.0, 0.0)
        ax.plot([0, x], [0, y], color=colour, linewidth=2.5, label=name)
    ax.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", title="columns, at length 1")
    ax.axhline(0, color="#C8C8C8", linewidth=0.8, zorder=0)
    ax.axvline(0, color="#C8C8C8", linewidth=0.8, zorder=0)
    ax.legend(loc="lower left")
