"""The CAM family: golden numbers, Captum, CAM's own limit, and where each is refused."""

import captum.attr
import pytest
import toys
import torch
from torch import nn
from torch.nn import functional

from xaiutils import models
from xaiutils._torchvision import torchvision
from xaiutils.methods import CAM, METHODS, GradCAM, GradCAMPlusPlus, GuidedBackprop, GuidedGradCAM
from xaiutils.methods.gradcam import higher_order, mean_gradient
from xaiutils.methods.layers import LayerOutput
from xaiutils.models.architectures import ResNet20, cifar_alexnet, small_vgg

GOLDEN = toys.golden("gradcampp")
WEIGHTS = {"gradcam": mean_gradient, "gradcampp": higher_order}


@pytest.mark.parametrize("name", WEIGHTS)
def test_golden_weights_and_maps(name):
    maps, gradients = GOLDEN["A"].double(), GOLDEN["dA"].double()
    weights = WEIGHTS[name](maps, gradients)
    torch.testing.assert_close(weights, GOLDEN[f"{name}.weights"].double(), rtol=1e-8, atol=1e-12)
    summed = torch.einsum("nk,nkhw->nhw", weights, maps).relu()
    torch.testing.assert_close(summed, GOLDEN[f"{name}.cam"].double(), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name, method", [("gradcam", GradCAM), ("gradcampp", GradCAMPlusPlus)])
def test_golden_maps_through_the_network(name, method):
    """The layer is found, and its small map is what the network's upsampled one is made of."""
    ours = method(toys.golden_cam_net(GOLDEN)).attribute(GOLDEN["x"].double(), GOLDEN["target"])
    small = GOLDEN[f"{name}.cam"].double()[:, None]
    wanted = functional.interpolate(small, (16, 16), mode="bilinear").expand(-1, 3, -1, -1)
    torch.testing.assert_close(ours, wanted, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name, method", [("gradcam", GradCAM), ("gradcampp", GradCAMPlusPlus)])
def test_the_librarys_picture(name, method):
    """pytorch-grad-cam's final map: scaled to [0, 1] before and after it is enlarged."""
    small = GOLDEN[f"{name}.cam"].double()
    low, high = small.amin((1, 2), keepdim=True), small.amax((1, 2), keepdim=True)
    large = functional.interpolate(((small - low) / (high - low))[:, None], (16, 16), mode="bilinear")[:, 0]
    low, high = large.amin((1, 2), keepdim=True), large.amax((1, 2), keepdim=True)
    torch.testing.assert_close((large - low) / (high - low), GOLDEN[f"{name}.final"].double(), rtol=0, atol=1e-5)


def test_captums_grad_cam_is_met():
    net, x, target = toys.golden_cam_net(GOLDEN), GOLDEN["x"].double(), GOLDEN["target"]
    theirs = captum.attr.LayerGradCam(net, net[4]).attribute(x, target, relu_attributions=True)
    wanted = captum.attr.LayerAttribution.interpolate(theirs, (16, 16), "bilinear").expand(-1, 3, -1, -1)
    torch.testing.assert_close(GradCAM(net, layer="4").attribute(x, target), wanted, rtol=1e-10, atol=1e-14)


def test_a_layer_may_be_followed_by_one_that_works_in_place():
    net, x, target = toys.golden_cam_net(GOLDEN), GOLDEN["x"].double(), GOLDEN["target"]
    wanted = GradCAM(net, layer=net[3]).attribute(x, target)
    net[4].inplace = True
    assert torch.equal(GradCAM(net, layer=net[3]).attribute(x, target), wanted) and wanted.abs().max() > 0


def test_grad_cam_plus_plus_by_hand():
    # one channel (1, 3) with gradients (2, -1): sum of the map 4; alpha = 4 / (8 + 4 * 8 + 1e-6) for the first, weight 2 alpha
    maps, gradients = torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[2.0, -1.0]]]])
    assert higher_order(maps, gradients).item() == pytest.approx(2 * 4 / 40, rel=1e-6)
    assert higher_order(maps, -gradients.abs()).item() == 0


def test_cam_adds_up_to_the_logit_and_is_grad_cam_uncut():
    net, x = toys.cnn(averaged=True), toys.images()
    small = CAM(net).attribute(x, [1, 0, 4])
    with torch.no_grad(), LayerOutput(net) as kept:
        logits = net(x)
    by_hand = torch.einsum("nk,nkhw->nhw", net[-1].weight.detach()[[1, 0, 4]], kept.output)
    torch.testing.assert_close(by_hand.mean((1, 2)) + net[-1].bias.detach()[[1, 0, 4]], logits[range(3), [1, 0, 4]])
    torch.testing.assert_close(small, functional.interpolate(by_hand[:, None], (8, 8), mode="bilinear").expand(-1, 3, -1, -1))
    uncut = GradCAM(net, relu=False).attribute(x, [1, 0, 4])
    torch.testing.assert_close(uncut * kept.output[0, 0].numel(), small, rtol=1e-10, atol=1e-14)


def test_the_guided_ones_are_products():
    net, x = toys.cnn(), toys.images()
    product = GradCAM(net).attribute(x, [1, 0, 4]) * GuidedBackprop(net).attribute(x, [1, 0, 4])
    assert torch.equal(GuidedGradCAM(net).attribute(x, [1, 0, 4]), product) and product.abs().max() > 0


LAST_MAPS = {  # network -> (how to build it, size of its inputs, shape of the last rectified map)
    "vgg11": (lambda: torchvision.models.vgg11(num_classes=4), 64, (512, 4, 4)),
    "alexnet": (lambda: torchvision.models.alexnet(num_classes=4), 80, (256, 4, 4)),
    "resnet18": (lambda: torchvision.models.resnet18(num_classes=4), 64, (512, 2, 2)),
    "efficientnet-lite0": (lambda: models.load("efficientnet-lite0"), 96, (1280, 3, 3)),
    "own vgg": (small_vgg, 32, (128, 8, 8)),
    "own alexnet": (cifar_alexnet, 32, (256, 8, 8)),
    "own resnet": (ResNet20, 32, (64, 8, 8)),
}


@pytest.mark.parametrize("name", LAST_MAPS)
def test_the_last_rectified_map_is_found(name):
    build, size, shape = LAST_MAPS[name]
    network = build().eval()
    with torch.no_grad(), LayerOutput(network) as kept:
        network(torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)))
    assert tuple(kept.output.shape[1:]) == shape and kept.output.min() >= 0


def test_what_does_not_fit_is_refused_by_name():
    net, x = toys.cnn(), toys.images()
    with pytest.raises(ValueError, match="CAM needs a network that ends in the mean of its last maps"):
        CAM(net).attribute(x, 0)
    with pytest.raises(ValueError, match="CAM needs a network with one linear layer, .* got 2"):
        CAM(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    with pytest.raises(ValueError, match=r"layer must name a module of the model, got 'netwrk\.3'; near it: network\.3"):
        GradCAM(nn.ModuleDict({"network": net}), layer="netwrk.3")
    with pytest.raises(ValueError, match="layer must be a module of the model, got a ReLU"):
        GradCAM(net, layer=nn.ReLU())
    with pytest.raises(ValueError, match=r"layer must give maps \(N, K, h, w\) with h w > 1, got \(3, 5\) from Linear"):
        GradCAM(net, layer="10").attribute(x, 0)
    with pytest.raises(TypeError, match="forward_func must be a network with convolutional layers, got function"):
        METHODS["grad-cam"](lambda rows: rows)
    with pytest.raises(ValueError, match="GradCAM needs a convolutional map"):
        GradCAM(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)).double().eval()).attribute(x, 0)
    with pytest.raises(ValueError, match=r"inputs must be images \(N, C, H, W\), got shape \(3, 192\)"):
        GradCAM(net).attribute(x.flatten(1), 0)
