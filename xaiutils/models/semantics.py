"""Which classes does a network itself hold to be alike?"""

from torch import nn


def class_cosines(model):
    r"""Cosine of the angle between the classes' weight rows in the last linear layer, float64 (K, K).

    .. math:: C_{ij} = \frac{w_i \cdot w_j}{|w_i|\,|w_j|}

    ``w_i``  row of class i in the last ``nn.Linear`` of ``model``, without its bias            (K, D)
    ``C``    symmetric, 1 on the diagonal; a row of zeros has no direction: NaN

    Two classes of high cosine read their scores from much the same features, as two breeds of dog do. Other measures
    of likeness, such as the distance in WordNet, look at words; this one asks the network.

    Error  ValueError for a network without a linear layer.
    """
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(f"model must end in a linear layer to compare its classes, {type(model).__name__} has none.")
    rows = linear[-1].weight.detach().double()
    rows = rows / rows.norm(dim=1, keepdim=True)
    return rows @ rows.T


def near_and_far(cosines, label, without=()):
    """The class of highest and the class of lowest cosine with class ``label``, two ints.

    ``cosines``  (K, K) from :func:`class_cosines`
    ``without``  classes that are not to be chosen; ``label`` itself never is

    Ties go to the smaller index. ValueError where nothing is left to choose from.
    """
    left_out = {int(label), *map(int, without)}
    order = cosines[label].argsort(descending=True, stable=True).tolist()
    order = [other for other in order if other not in left_out]
    if not order:
        raise ValueError(f"without must leave at least one of the {len(cosines)} classes, got {sorted(left_out)}.")
    return order[0], order[-1]
