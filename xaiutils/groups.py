"""The four groups of methods of Nuzzo's thesis (chapter 7), by the titles of its figures.

1  gradients and Grad-CAM     2  DeepLIFT, DeepSHAP, DeepLIFT with noise
3  integrated gradients, the same with noise, expected gradients     4  LRP for seven values of alpha, RAP
Source: Nuzzo: Sanity Checks for Explanations of Deep Neural Networks Predictions, MSc thesis 2020, Section 7.2.
"""

from xaiutils.sweep import Explainer

ALPHAS = (1, 2, 3, 4, 5, 6, 9)  # Section 7.2.2, group 4; beta = alpha - 1


def gradients():
    """Group 1; Grad-CAM looks at the last map, after its rectifier. Saliency is signed, as green and red in the figures."""
    return {"Saliency": Explainer("saliency", arguments={"abs": False}), "Input x Gradient": Explainer("input-x-gradient"),
            "DeconvNet": Explainer("deconvnet"), "Guided Backprop": Explainer("guided-backprop"),
            "Grad-CAM": Explainer("grad-cam"), "Guided Grad-CAM": Explainer("guided-grad-cam")}


def deeplift(baseline="blur", *, references=("black", "white", "blur", "mean"), noise=0.19, n_samples=4):
    """Group 2.

    ``baseline``    of DeepLIFT, with and without noise; the thesis shows "black" and "blur"
    ``references``  of DeepSHAP, a list of baselines or a tensor (B, C, H, W); the thesis takes 64 test images
    ``noise``       standard deviation in pixel values: the thesis' 0.7 on standardised inputs, times their deviation
    ``n_samples``   noisy copies
    """
    tunnel = _noise(noise, n_samples)
    references = references if hasattr(references, "shape") else list(references)
    return {"DeepLIFT": Explainer("deeplift", arguments={"baselines": baseline}),
            "DeepSHAP": Explainer("deeplift-shap", arguments={"baselines": references}),
            "DeepLIFT + SmoothGrad": Explainer("smoothgrad-deeplift", arguments={"baselines": baseline} | tunnel)}


def paths(baseline="blur", *, n_steps=50, noise=0.19, n_samples=4, noise_steps=25, shap_samples=20):
    """Group 3; ``n_steps`` is 200 in the thesis, for IG with noise here ``noise_steps``. Arguments as for :func:`deeplift`.

    GradientShap draws ``shap_samples`` points between the input and one of two baselines: ``baseline`` and, as in the
    thesis, the input itself.
    """
    return {"Integrated Gradients": Explainer("integrated-gradients", arguments={"baselines": baseline, "n_steps": n_steps}),
            "IG + SmoothGrad": Explainer("smoothgrad-ig", arguments={"baselines": baseline, "n_steps": noise_steps}
                                         | _noise(noise, n_samples)),
            "GradientShap": Explainer("gradient-shap", arguments={"baselines": [baseline, "input"], "n_samples": shap_samples})}


def relevance(alphas=ALPHAS):
    """Group 4: LRP alpha-beta, titled a1b0, a2b1 ..., and RAP."""
    rules = {f"LRP a{alpha}b{alpha - 1}": Explainer("lrp-alpha1-beta0", {"alpha": alpha}) for alpha in alphas}
    return rules | {"RAP": Explainer("rap")}


def _noise(level, n_samples):
    return {"noise_level": level, "noise_unit": "absolute", "n_samples": n_samples}
