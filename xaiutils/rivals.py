"""LIME and SHAP by their own packages, called as their documentation shows: to compare with, no method needs them.

``pip install -c constraints.txt -e .[peers]`` installs both. Our own are :class:`xaiutils.methods.Lime` and
:class:`xaiutils.methods.GradientShap`, which no package is needed for.
"""

from importlib.util import find_spec

import torch


def installed():
    """Whether both packages are there."""
    return all(find_spec(name) is not None for name in ("lime", "shap"))


def lime_weights(network, x, target, segments, *, n_samples=1000, seed=0):
    """The weight of each segment by ``lime.lime_image``. -> (S,) float64

    ``x``         (1, C, H, W) pixels in [0, 1]; ``target`` an int
    ``segments``  integers (H, W), 0 ... S - 1; hidden ones show their mean colour, the package's default
    """
    from lime.lime_image import LimeImageExplainer

    def probabilities(images):
        rows = torch.as_tensor(images).permute(0, 3, 1, 2).to(x)
        with torch.no_grad():
            return network(rows).softmax(1).double().cpu().numpy()

    image = x[0].permute(1, 2, 0).double().cpu().numpy()
    explained = LimeImageExplainer(random_state=seed).explain_instance(
        image, probabilities, labels=(target,), top_labels=None, num_samples=n_samples,
        segmentation_fn=lambda _: segments.cpu().numpy())
    weights = torch.zeros(int(segments.max()) + 1, dtype=torch.float64)
    for segment, weight in explained.local_exp[target]:
        weights[segment] = float(weight)
    return weights


def shap_values(network, x, background, *, n_samples=200, seed=0):
    """Attributions (1, C, H, W) of the predicted class by ``shap.GradientExplainer`` against ``background`` (B, C, H, W)."""
    import shap

    values, _ = shap.GradientExplainer(network, background).shap_values(x, nsamples=n_samples, ranked_outputs=1, rseed=seed)
    return torch.as_tensor(values).reshape(x.shape).to(x)
