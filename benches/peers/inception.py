"""Inception v3 as the peers run it: an ONNX graph like `network.py`'s, for 299x299 pixels.

Keras numbers its convolutions in the order of the calls below.
"""

from pathlib import Path

import onnx
from safetensors.numpy import load_file

import golden
from network import Graph

HALF = {"kernel_shape": [3, 3], "strides": [2, 2]}


class Inception(Graph):
    """Convolutions numbered as they are appended, and branches."""

    n_convolutions = 0

    def conv(self, height: int, width: int, stride: int = 1, valid: bool = False) -> None:
        """The next convolution, whose kernel must have this size."""
        self.n_convolutions += 1
        kernel = f"conv2d_{self.n_convolutions}/kernel"
        weight = self.weights[kernel].transpose(3, 2, 0, 1)
        if weight.shape[2:] != (height, width):
            raise SystemExit(f"{kernel} is of another network: {weight.shape}")
        folded, bias = self.folded(weight, f"batch_normalization_{self.n_convolutions}")
        inside = valid or stride == 2
        self.append(
            "Conv",
            self.constant(kernel, folded),
            self.constant(f"{kernel}/bias", bias),
            kernel_shape=[height, width],
            strides=[stride, stride],
            pads=[0] * 4 if inside else [height // 2, width // 2] * 2,
        )
        self.append("Relu")

    def branches(self, *branches) -> None:
        """What each of `branches` makes of the newest value, channel after channel."""
        entry, tips = self.tip, []
        for branch in branches:
            self.tip = entry
            branch()
            tips.append(self.tip)
        self.tip = tips[0]
        self.append("Concat", *tips[1:], axis=1)

    def chain(self, *kernels: tuple[int, int]):
        """A branch of convolutions one after the other."""

        def append() -> None:
            for height, width in kernels:
                self.conv(height, width)

        return append

    def then(self, *parts):
        """A branch of several parts."""

        def append() -> None:
            for part in parts:
                part()

        return append

    def pooled(self) -> None:
        self.append("AveragePool", kernel_shape=[3, 3], pads=[1] * 4)
        self.conv(1, 1)

    def halved(self) -> None:
        self.append("MaxPool", **HALF)

    def half(self) -> None:
        self.conv(3, 3, stride=2)

    def fork(self) -> None:
        """A row and a column beside each other."""
        self.branches(self.chain((1, 3)), self.chain((3, 1)))


def build(weights: dict) -> onnx.ModelProto:
    """The whole network, batch size left open."""
    net = Inception(weights)
    one, three, row, column = (1, 1), (3, 3), (1, 7), (7, 1)
    net.enter()
    net.half()
    net.conv(3, 3, valid=True)
    net.conv(3, 3)
    net.halved()
    net.conv(1, 1)
    net.conv(3, 3, valid=True)
    net.halved()
    for _ in range(3):
        double = net.chain(one, three, three)
        net.branches(net.chain(one), net.chain(one, (5, 5)), double, net.pooled)
    net.branches(net.half, net.then(net.chain(one, three), net.half), net.halved)
    for _ in range(4):
        double = net.chain(one, column, row, column, row)
        net.branches(net.chain(one), net.chain(one, row, column), double, net.pooled)
    seven = net.then(net.chain(one, row, column), net.half)
    net.branches(net.then(net.chain(one), net.half), seven, net.halved)
    for _ in range(2):
        double = net.then(net.chain(one, three), net.fork)
        net.branches(net.chain(one), net.then(net.chain(one), net.fork), double, net.pooled)
    return net.finished(golden.INCEPTION_V3)


def export(weights: Path, folder: Path) -> Path:
    """Writes the ONNX file for the installed `weights` and returns its path."""
    path = folder / "inception_v3.onnx"
    onnx.save(build(load_file(weights)), path)
    return path
