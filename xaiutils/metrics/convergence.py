r"""Does a chain of layers forget where it began? Products of matrices, and what a method sends back to each layer.

A method that walks back by matrices, R^0 = A_1 A_2 ... A_L R^L, sends back the same direction for every top R^L where the
product has rank one. How far it is from that:

.. math:: \frac{\sigma_2}{\sigma_1}(A_1 \cdots A_l), \qquad \max_{j,k} \angle(a_j, a_k), \qquad \cos(R^l(t), R^l(t'))

``sigma``    singular values of the product; the ratio is 0 at rank one
``a_j``      its columns; the largest angle between two of them is that of the cone they span
``t, t'``    two tops, such as two classes; a cosine of 1 at layer l says that the layers above have no say
Source       Sixt, Granz, Landgraf: When Explanations Lie, ICML 2020, Theorem 1 and Figure 3; Nuzzo, MSc thesis 2020,
             Section 5.3.3, Eq. 5.3 to 5.7.
"""

import torch
from torch import Tensor

from xaiutils.core import check_inputs


def singular_ratio(matrix: Tensor) -> float:
    """sigma_2 / sigma_1 of a matrix (n, m), both at least 2; 0 at rank one, and for the zero matrix."""
    check_inputs(matrix, "matrix")
    if matrix.dim() != 2 or min(matrix.shape) < 2:
        raise ValueError(f"matrix must be (n, m) with n, m >= 2, got shape {tuple(matrix.shape)}.")
    values = torch.linalg.svdvals(matrix)
    return (values[1] / values[0]).item() if values[0] > 0 else 0.0


def products(matrices):
    """A_1, A_1 A_2, A_1 A_2 A_3 ..., each divided by its largest absolute entry, so that no chain is too long to compute."""
    product = None
    for matrix in matrices:
        product = matrix if product is None else product @ matrix
        largest = product.abs().max()
        product = product / largest if largest > 0 else product
        yield product


def column_angle(matrix: Tensor) -> float:
    """The largest angle in degrees between two columns of a matrix (n, m); columns of zeros are left out."""
    columns = matrix.T[matrix.abs().amax(0) > 0]
    columns = columns / columns.norm(dim=1, keepdim=True)
    halves = (columns[:, None] - columns).norm(dim=2) / 2                      # sin of half the angle: exact near 0
    return 2 * torch.rad2deg(torch.asin(halves.clamp(max=1))).max().item()


def z_plus(weight: Tensor, inputs: Tensor) -> Tensor:
    """The matrix (I, K) that hands relevance from K units to I inputs h >= 0 by the z+ rule, Z_ik = h_i w+_ki / sum_j h_j w+_kj.

    ``weight`` (K, I) as in ``nn.Linear``, ``inputs`` h (I,). Columns add up to 1, or to 0 where a unit has no positive
    contribution.
    """
    return _shares(inputs[:, None] * weight.T.clamp(min=0))


def alpha_beta(weight: Tensor, inputs: Tensor, alpha: float) -> Tensor:
    """The matrix (I, K) of the alpha-beta rule with beta = alpha - 1 for inputs h >= 0; columns add up to 1."""
    return alpha * z_plus(weight, inputs) - (alpha - 1) * _shares(inputs[:, None] * weight.T.clamp(max=0))


def _shares(contributions):
    totals = contributions.sum(0)
    return contributions / torch.where(totals == 0, 1.0, totals)


def arriving(explain, network, inputs, target, layers):
    """What a method sends back to the input of each of ``layers``, {name: (N, ...)}: relevance, gradient or multiplier.

    ``explain``  (network, inputs, target) -> attributions, by a backward pass through ``network``, such as an
                 :class:`xaiutils.sweep.Explainer`; relevance rules give R up to one factor an image
    ``layers``   names of modules. Of a method that walks with baselines, the rows of the inputs are returned
    """
    caught, handles = {}, []

    def catch(name):
        def hook(module, arguments):
            arguments[0].register_hook(lambda back: caught.setdefault(name, []).append(back.detach()))
        return hook

    try:
        for name in layers:
            handles.append(network.get_submodule(name).register_forward_pre_hook(_where_wanted(catch(name))))
        explain(network, inputs, target)
    finally:
        for handle in handles:
            handle.remove()
    if missing := [name for name in layers if name not in caught]:
        raise ValueError(f"layers must be reached by the method on its way back, got {', '.join(missing)}.")
    return {name: _of_inputs(caught[name], len(inputs)) for name in layers}


def _of_inputs(parts, n):
    """The rows of the ``n`` inputs from what each backward pass brought."""
    if len(parts) == 1 and len(parts[0]) % n == 0:
        return parts[0][:n]
    rows = torch.cat(parts)
    if len(rows) != n:
        raise ValueError(f"explain must walk back in one batch, or once for each of the {n} inputs, got {len(rows)} rows.")
    return rows


def _where_wanted(hook):
    """The hook for passes that are differentiated; those that only ask for scores have nothing to catch."""
    return lambda module, arguments: hook(module, arguments) if arguments[0].requires_grad else None


def pairwise_cosines(vectors: Tensor) -> Tensor:
    """Cosines of all pairs of the rows of ``vectors`` (K, ...): (K (K - 1) / 2,). A row of zeros has the cosine 0."""
    rows = vectors.flatten(1)
    if len(rows) < 2:
        raise ValueError(f"vectors must be (K, ...) with K >= 2, got K = {len(rows)}.")
    norms = rows.norm(dim=1, keepdim=True)
    rows = rows / torch.where(norms == 0, 1.0, norms)
    first, second = torch.triu_indices(len(rows), len(rows), 1)
    return (rows @ rows.T)[first, second]
