"""MobileNetV2 as the peers run it: an ONNX graph made from the weights that ImgShare installed.

Input `pixels`: u8, [n, 224, 224, 3], NHWC. Output `scores`: f32, [n, 5]. Scaling to 0..1 is
part of the graph, so that every candidate is handed the same bytes.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

import golden

BATCH_NORM_EPSILON = 1e-3
N_BLOCKS = 16
# Blocks whose depthwise convolution has stride 2.
STRIDED_BLOCKS = {1, 3, 6, 13}
# Blocks whose output has their input's shape, and is added to it.
RESIDUAL_BLOCKS = {2, 4, 5, 7, 8, 9, 11, 12, 14, 15}
# Keras pads a stride-2 convolution at the bottom and the right only.
STRIDED_PADS = [0, 0, 1, 1]


class Graph:
    """Nodes and constants in the order they are appended; `tip` is the newest value."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.tip = "pixels"

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def append(self, operator: str, *others: str, **attributes) -> str:
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [self.tip, *others], [output], **attributes))
        self.tip = output
        return output

    def convolution(self, kernel: str, norm: str, strided: bool, relu6: bool) -> None:
        """A convolution with its batch norm folded in, as every peer's optimiser would."""
        weight = self.weights[kernel]
        depthwise = kernel.endswith("depthwise_kernel")
        # HWIO to OIHW; a depthwise kernel is [kh, kw, channels, 1].
        weight = weight.transpose(2, 3, 0, 1) if depthwise else weight.transpose(3, 2, 0, 1)
        folded, bias = self.folded(weight, norm)
        side = weight.shape[2]
        pads = STRIDED_PADS if strided else [side // 2] * 4
        self.append(
            "Conv",
            self.constant(kernel, folded),
            self.constant(f"{kernel}/bias", bias),
            kernel_shape=[side, side],
            strides=[2, 2] if strided else [1, 1],
            pads=pads,
            group=weight.shape[0] if depthwise else 1,
        )
        if relu6:
            self.append("Clip", "zero", "six")

    def folded(self, weight: np.ndarray, norm: str) -> tuple[np.ndarray, np.ndarray]:
        """An OIHW kernel and its bias with the batch norm in them; a norm may have no gamma."""
        beta, mean, variance = (
            self.weights[f"{norm}/{part}"].astype(np.float64)
            for part in ("beta", "moving_mean", "moving_variance")
        )
        gamma = self.weights.get(f"{norm}/gamma", np.ones(1)).astype(np.float64)
        gain = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        folded = (weight * gain[:, None, None, None]).astype(np.float32)
        return folded, (beta - mean * gain).astype(np.float32)

    def block(self, idx: int) -> None:
        """One inverted residual; the first has no expansion."""
        name = f"block_{idx}" if idx else "expanded_conv"
        entry = self.tip
        if idx:
            self.convolution(f"{name}_expand/kernel", f"{name}_expand_BN", False, True)
        depthwise = f"{name}_depthwise"
        strided = idx in STRIDED_BLOCKS
        self.convolution(f"{depthwise}/depthwise_kernel", f"{depthwise}_BN", strided, True)
        self.convolution(f"{name}_project/kernel", f"{name}_project_BN", False, False)
        if idx in RESIDUAL_BLOCKS:
            self.append("Add", entry)

    def dense(self, name: str, activation: str, **attributes) -> None:
        kernel, bias = f"{name}/kernel", f"{name}/bias"
        self.append(
            "Gemm",
            self.constant(kernel, self.weights[kernel]),
            self.constant(bias, self.weights[bias]),
        )
        self.append(activation, **attributes)

    def enter(self) -> None:
        """From pixels to what the networks take: 0..1, NCHW."""
        self.append("Cast", to=TensorProto.FLOAT)
        self.append("Mul", self.constant("scale", np.float32(1 / 255)))
        self.append("Transpose", perm=[0, 3, 1, 2])

    def finished(self, network: golden.Model) -> onnx.ModelProto:
        """nsfwjs's head on the newest value, and the whole as a model."""
        self.append("GlobalAveragePool")
        self.append("Flatten")
        self.dense("dense_1", "Relu")
        self.dense("dense_2", "Relu")
        self.dense("dense_3", "Softmax", axis=1)
        self.nodes[-1].output[0] = "scores"
        pixels = helper.make_tensor_value_info(
            "pixels", TensorProto.UINT8, ["n", network.side, network.side, 3]
        )
        scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 5])
        model = helper.make_model(
            helper.make_graph(self.nodes, network.name, [pixels], [scores], self.constants),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=10,
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def build(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """The whole network, batch size left open."""
    graph = Graph(weights)
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    graph.enter()
    graph.convolution("Conv1/kernel", "bn_Conv1", strided=True, relu6=True)
    for idx in range(N_BLOCKS + 1):
        graph.block(idx)
    graph.convolution("Conv_1/kernel", "Conv_1_bn", strided=False, relu6=True)
    return graph.finished(golden.MOBILENET_V2)


def export(weights: Path, folder: Path) -> Path:
    """Writes the ONNX file for the installed `weights` and returns its path."""
    path = folder / "mobilenet_v2.onnx"
    onnx.save(build(load_file(weights)), path)
    return path
