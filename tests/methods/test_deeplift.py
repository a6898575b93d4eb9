"""DeepLIFT by hand, on linear scores, complete with pooling and ties, and against Captum where Captum loses nothing."""

import captum.attr
import pytest
import toys
import torch
from torch import nn
from torch.nn import functional

from xaiutils import datasets, models
from xaiutils._torchvision import torchvision
from xaiutils.methods import DeepLift, DeepLiftShap

TARGET = torch.tensor([1, 0, 4])
quietly = pytest.mark.filterwarnings("ignore:Input Tensor", "ignore:Setting forward, backward hooks")


HOOKABLE = {  # modules that Captum can hook, each used once; max-pooling only where no nonlinearity stands beside it
    "nonlinearities": lambda: toys.seeded(0, nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 4, 3, padding=1),
                                          nn.Tanh(), nn.Conv2d(4, 6, 3), nn.Sigmoid(), nn.Flatten(), nn.Linear(24, 5)),
    "max-pooling": lambda: toys.seeded(0, nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 5)),
}


def test_by_hand():
    # z = x1 + x2 - 1 goes from -1 at x' = 0 to 2 at x = (2, 1); relu from 0 to 2: slope 2 / 3 although the gradient is 1
    model = lambda x: functional.relu(x.sum(1, keepdim=True) - 1)  # noqa: E731
    x = torch.tensor([[2.0, 1.0]])
    attributions, delta = DeepLift(model).attribute(x, return_convergence_delta=True)
    torch.testing.assert_close(attributions, torch.tensor([[4 / 3, 2 / 3]]))
    torch.testing.assert_close(DeepLift(model, multiply_by_inputs=False).attribute(x), torch.tensor([[2 / 3, 2 / 3]]))
    assert delta.abs().max() < 1e-6


def test_a_maximum_answers_on_the_side_where_it_is_larger():
    # max(x) falls from 5 (third, in x') to 2 (first, in x): the third, which lost 4, answers for all of the -3
    model = lambda x: functional.max_pool1d(x[:, None], 3).flatten(1)  # noqa: E731
    x, base = torch.tensor([[2.0, 0.0, 1.0]]), torch.tensor([[0.0, 0.0, 5.0]])
    assert DeepLift(model).attribute(x, base).tolist() == [[0.0, 0.0, -3.0]]
    assert DeepLift(model).attribute(base, x).tolist() == [[0.0, 0.0, 3.0]]


def test_a_linear_score_gives_differences_times_weights():
    model, x = toys.linear([2.0, -1.0], [0.0, 1.0]), torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    assert DeepLift(model).attribute(x, 1.0, 0).tolist() == [[4.0, -3.0]]
    assert DeepLift(model).attribute(x, x, 0).tolist() == [[0.0, 0.0]]


def test_it_sees_over_a_flat_piece():
    # 1 - relu(1 - x) is flat at x = 2, where its gradient is 0, and has risen by 1 since x' = 0
    x = torch.tensor([[2.0]], dtype=torch.float64)
    assert DeepLift(lambda x: 1 - functional.relu(1 - x)).attribute(x).tolist() == [[1.0]]


def test_two_networks_of_one_function_may_get_different_attributions():
    """The example by which DeepLIFT is shown not to be invariant to implementation; by hand (2, -1) and (1.5, -0.5)."""
    relu, x = functional.relu, torch.tensor([[3.0, 1.0]], dtype=torch.float64)
    f = lambda x: relu(relu(x[:, :1] - 1) - relu(x[:, 1:]))  # noqa: E731
    g = lambda x: relu(relu(x[:, :1]) - 1 - relu(x[:, 1:]))  # noqa: E731
    drawn = 5 * torch.rand(1000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(f(drawn), g(drawn))
    assert DeepLift(f).attribute(x).tolist() == [[2.0, -1.0]]
    assert DeepLift(g).attribute(x).tolist() == [[1.5, -0.5]]


@quietly
@pytest.mark.parametrize("network", HOOKABLE)
def test_captum_is_met(network):
    model, images, start = HOOKABLE[network](), toys.images(), toys.images(seed=5)
    theirs = captum.attr.DeepLift(model).attribute(images, start, TARGET)
    torch.testing.assert_close(DeepLift(model).attribute(images, start, TARGET), theirs, rtol=1e-8, atol=1e-12)


@quietly
def test_captums_average_over_baselines_is_met():
    model, images, several = HOOKABLE["nonlinearities"](), toys.images(), toys.images(4, seed=5)
    theirs = captum.attr.DeepLiftShap(model).attribute(images, several, TARGET)
    torch.testing.assert_close(DeepLiftShap(model).attribute(images, several, TARGET), theirs, rtol=1e-8, atol=1e-12)


def test_one_baseline_is_deeplift():
    model, images = toys.cnn(), toys.images()
    ours = DeepLiftShap(model).attribute(images, ["blur"], TARGET)
    torch.testing.assert_close(ours, DeepLift(model).attribute(images, "blur", TARGET), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("start", ["black", "white", "noise", 0.3])
def test_nothing_is_lost_in_pooling_ties_and_overlaps(start):
    """ReLUs at 0 tie within windows that overlap."""
    model = toys.seeded(1, nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(6, 4, 2), nn.ReLU6(), nn.AvgPool2d(1), nn.Flatten(),
                         nn.Linear(4, 5))
    _, delta = DeepLift(model).attribute(toys.images(), start, TARGET, return_convergence_delta=True)
    assert delta.abs().max() < 1e-12


@quietly
@pytest.mark.parametrize("layers", [(nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 5)),
                                    (nn.ReLU(), nn.MaxPool2d(3, 1), nn.Flatten(), nn.Linear(96, 5))])
def test_captum_is_off_where_pooling_meets_a_nonlinearity_and_its_delta_says_so(layers):
    model, images, start = toys.seeded(1, nn.Conv2d(3, 6, 3), *layers), toys.images(), toys.images(seed=5)
    _, theirs = captum.attr.DeepLift(model).attribute(images, start, TARGET, return_convergence_delta=True)
    _, ours = DeepLift(model).attribute(images, start, TARGET, return_convergence_delta=True)
    assert theirs.abs().max() > 1e-3 and ours.abs().max() < 1e-12


NETWORKS = {
    "efficientnet-lite0": lambda: models.load("efficientnet-lite0"), "resnet18": lambda: torchvision.models.resnet18(num_classes=10),
    "alexnet": lambda: torchvision.models.alexnet(num_classes=10), "vgg11_bn": lambda: torchvision.models.vgg11_bn(num_classes=10),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_attributions_add_up_on_networks_that_hooks_do_not_fit(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = NETWORKS[name]().eval().double()
    x = datasets.photographs(1).inputs[:, :, ::3, ::3].double()[:, :, :64, :64]
    attributions, delta = DeepLift(network).attribute(x, "blur", 3, return_convergence_delta=True)
    assert delta.abs().item() < 1e-8 * attributions.abs().sum().item()


def test_products_of_activations_and_wrong_baselines_are_refused():
    x = toys.images()
    with pytest.raises(ValueError, match="mul of two activations"):
        DeepLift(lambda x: torch.mul(x, x).flatten(1)).attribute(x, target=0)
    with pytest.raises(ValueError, match=r"baselines must be images \(B, ...\) of shape \(3, 8, 8\), got \(2, 3, 4, 4\)"):
        DeepLiftShap(toys.cnn()).attribute(x, torch.zeros(2, 3, 4, 4), 0)
    with pytest.raises(ValueError, match="baselines must be a tensor of images or a list"):
        DeepLiftShap(toys.cnn()).attribute(x, None, 0)
    with pytest.raises(ValueError, match="return_convergence_delta is refused"):
        DeepLift(toys.cnn(), multiply_by_inputs=False).attribute(x, target=0, return_convergence_delta=True)
