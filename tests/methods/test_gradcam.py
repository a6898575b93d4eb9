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
from xaiutils.methods.layers import layer_output
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


@pytest.mark.filterwarnings("ignore:Input Tensor 0", "ignore:Setting backward hooks")
def test_captums_guided_grad_cam_is_met():
    net, x, target = toys.golden_cam_net(GOLDEN), GOLDEN["x"].double(), GOLDEN["target"]
    theirs = captum.attr.GuidedGradCam(net, net[4]).attribute(x, target, interpolate_mode="bilinear")
    torch.testing.assert_close(GuidedGradCAM(net).attribute(x, target), theirs, rtol=1e-10, atol=1e-14)
    assert theirs.abs().max() > 0


def test_grad_cam_by_hand():
    # maps relu(x) = (2, 0) and relu(-x) = (0, 1), scores 3 * mean of the first - 4 * mean of the second: gradients 3/2 and -4/2
    # everywhere, so 1.5 * (2, 0) - 2 * (0, 1) = (3, -2), and CAM's 3 * (2, 0) - 4 * (0, 1) is twice that
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                        nn.Linear(2, 1, bias=False)).eval()
    net[0].weight.data.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
    net[4].weight.data.copy_(torch.tensor([[3.0, -4.0]]))
    x = torch.tensor([[[[2.0, -1.0]]]])
    assert GradCAM(net).attribute(x).tolist() == [[[[3.0, 0.0]]]]
    assert GradCAM(net, relu=False).attribute(x).tolist() == [[[[3.0, -2.0]]]]
    assert CAM(net).attribute(x).tolist() == [[[[6.0, -4.0]]]]
    # before the ReLU the maps are (2, -1) and (-2, 1), gradients (1.5, 0) and (0, -2) with means 0.75 and -1: (3.5, -1.75). For an
    # image of twice the width, its pairs averaged first, the values between are mixed by 3 to 1 and 1 to 3
    halved = nn.Sequential(nn.AvgPool2d((1, 2)), *net).eval()
    uncut = GradCAM(halved, halved[1], relu=False).attribute(x.repeat_interleave(2, 3))
    assert uncut.tolist() == [[[[3.5, 2.1875, -0.4375, -1.75]]]]


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
    with torch.no_grad(), layer_output(net) as kept:
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


class Functional(nn.Module):
    """Two branches joined, then rectified and pooled by functions: no module gives the last map."""

    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleList(toys.seeded(k, nn.Conv2d(3, 2, 3, padding=1)) for k in (0, 1))
        self.head = toys.seeded(2, nn.Linear(4, 5))[0]
        self.eval()

    def forward(self, x):
        maps = torch.cat([branch(x - 0.5) for branch in self.branches], 1)
        return self.head(functional.relu(maps).mean((2, 3)))


def test_the_last_map_is_found_where_no_module_gives_it():
    net, x, target = Functional(), toys.images(), [1, 0, 4]
    maps = torch.cat([branch(x - 0.5) for branch in net.branches], 1).relu().detach()
    by_hand = torch.einsum("nk,nkhw->nhw", net.head.weight.detach()[target], maps)
    torch.testing.assert_close(CAM(net).attribute(x, target), by_hand[:, None].expand(-1, 3, -1, -1), rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(GradCAM(net).attribute(x, target)[:, 0], by_hand.relu() / 64, rtol=1e-12, atol=1e-15)
    assert torch.equal(GradCAM(lambda rows: net(rows)).attribute(x, target), GradCAM(net).attribute(x, target))


def functional_only(name):
    """torchvision's network of this name without auxiliary heads and without its slow drawing of weights."""
    return lambda: getattr(torchvision.models, name)(num_classes=4, init_weights=False, aux_logits=False)


LAST_MAPS = {  # network -> (how to build it, size of its inputs, shape of the last map, a module that gives it or None)
    "vgg11": (lambda: torchvision.models.vgg11(num_classes=4, init_weights=False), 64, (512, 4, 4), "features.19"),
    "alexnet": (lambda: torchvision.models.alexnet(num_classes=4), 80, (256, 4, 4), "features.11"),
    "resnet18": (lambda: torchvision.models.resnet18(num_classes=4), 64, (512, 2, 2), "layer4"),
    "googlenet": (functional_only("googlenet"), 64, (1024, 2, 2), "inception5b"),
    "inception_v3": (functional_only("inception_v3"), 107, (2048, 2, 2), "Mixed_7c"),
    "densenet121": (lambda: torchvision.models.densenet121(num_classes=4), 64, (1024, 2, 2), None),
    "efficientnet-lite0": (lambda: models.load("efficientnet-lite0"), 96, (1280, 3, 3), "network.head"),
    "own vgg": (small_vgg, 32, (128, 8, 8), "features.21"),
    "own alexnet": (cifar_alexnet, 32, (256, 8, 8), "features.11"),
    "own resnet": (ResNet20, 32, (64, 8, 8), None),
}


@pytest.mark.parametrize("name", LAST_MAPS)
def test_the_last_rectified_map_is_found(name):
    build, size, shape, layer = LAST_MAPS[name]
    torch.manual_seed(0)
    network, image = build().double().eval(), toys.images(1, size)
    with torch.no_grad(), layer_output(network) as kept:
        network(image)
    assert tuple(kept.output.shape[1:]) == shape and kept.output.min() >= 0
    ours = GradCAM(network, relu=False).attribute(image, 1)
    if layer is not None:
        theirs = captum.attr.LayerGradCam(network, network.get_submodule(layer)).attribute(image, 1)
        theirs = captum.attr.LayerAttribution.interpolate(theirs, (size, size), "bilinear").expand(-1, 3, -1, -1)
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12 * float(theirs.detach().abs().max()))
    assert ours.abs().max() > 0


@pytest.mark.parametrize("method", [CAM, GradCAM, GradCAMPlusPlus, GuidedGradCAM])
def test_bfloat16_gives_maps_like_the_inputs(method):
    net, x = toys.cnn(averaged=True).float(), toys.images().float()
    exact, coarse = (method(net, precision=precision).attribute(x, [1, 0, 4]) for precision in ("float32", "bf16"))
    assert coarse.dtype == x.dtype
    torch.testing.assert_close(coarse, exact, rtol=0, atol=0.1 * float(exact.abs().max()))


def test_what_does_not_fit_is_refused_by_name():
    net, x = toys.cnn(), toys.images()
    with pytest.raises(ValueError, match="CAM needs a network that ends in the mean of its last maps"):
        CAM(net).attribute(x, 0)
    with pytest.raises(ValueError, match="CAM needs a network with one linear layer, .* got 2"):
        CAM(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    with pytest.raises(ValueError, match=r"layer must name a module of the model, got 'netwrk\.3'; near it: network\.3"):
        GradCAM(nn.ModuleDict({"network": net}), layer="netwrk.3")
    with pytest.raises(ValueError, match="layer must be a module of the model or its name, got a ReLU that is neither"):
        GradCAM(net, layer=nn.ReLU())
    with pytest.raises(ValueError, match=r"layer must give maps \(N, K, h, w\) with h w > 1, got \(3, 5\) from Linear"):
        GradCAM(net, layer="10").attribute(x, 0)
    with pytest.raises(ValueError, match='output must be "logit", the sum that CAM takes apart, got \'prob\''):
        CAM(toys.cnn(averaged=True), output="prob")
    with pytest.raises(TypeError, match="forward_func must be a network, whose linear layer CAM reads, got function"):
        CAM(lambda rows: rows)
    with pytest.raises(TypeError, match="layer must be None for a function, whose modules are unknown, got 'features'"):
        GradCAM(lambda rows: rows, layer="features")
    idle = toys.cnn()
    idle.idle = nn.Identity().eval()
    idle.forward = lambda rows: net(rows)
    with pytest.raises(ValueError, match="layer must be one that the model runs, got 'idle', which it did not"):
        GradCAM(idle, layer="idle").attribute(x, 0)
    with pytest.raises(ValueError, match="GradCAM needs a convolutional map"):
        GradCAM(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)).double().eval()).attribute(x, 0)
    with pytest.raises(ValueError, match=r"inputs must be images \(N, C, H, W\), got shape \(3, 192\)"):
        GradCAM(net).attribute(x.flatten(1), 0)
