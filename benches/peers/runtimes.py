"""The peers' runtimes behind one shape: load, scores of a batch, images per second for a while."""

import time
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import openvino.properties as properties
import openvino.properties.hint as hint

import golden
import machine


class OnnxRuntime:
    """ONNX Runtime in f32, one batch at a time."""

    def __init__(self, model: Path, batch: int, n_threads: int):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        # A pool that spins after its work would take the cores from the next candidate.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.name = f"ONNX Runtime f32, batch {batch}"
        self.batch = batch
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def scores(self, images: np.ndarray) -> np.ndarray:
        return self.session.run(["scores"], {"pixels": images})[0]

    def images_per_second(self, images: np.ndarray, seconds: float) -> float:
        batch = np.resize(images, (self.batch, *images.shape[1:]))
        self.scores(batch)
        n_images, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            self.scores(batch)
            n_images += self.batch
        return n_images / elapsed


class OpenVino:
    """OpenVINO with one of its two performance hints, in f32 or bf16."""

    def __init__(
        self,
        model: Path,
        precision: str,
        throughput: bool,
        n_threads: int,
        side: int = golden.SIDE,
    ):
        mode = hint.PerformanceMode
        hinted = "throughput" if throughput else "latency"
        self.name = f"OpenVINO {precision}, {hinted} hint"
        self.precision = precision
        core = openvino.Core()
        network = core.read_model(model)
        network.reshape([1, side, side, 3])
        self.compiled = core.compile_model(
            network,
            "CPU",
            {
                hint.performance_mode: mode.THROUGHPUT if throughput else mode.LATENCY,
                # Stated even for f32: on CPUs with bf16 it is not the default.
                hint.inference_precision: (
                    openvino.Type.bf16 if precision == "bf16" else openvino.Type.f32
                ),
                properties.inference_num_threads: n_threads,
            },
        )

    def scores(self, images: np.ndarray) -> np.ndarray:
        return np.concatenate([self.compiled(image[None])[0].copy() for image in images])

    def images_per_second(self, images: np.ndarray, seconds: float) -> float:
        queue = openvino.AsyncInferQueue(self.compiled)
        batches = [np.ascontiguousarray(image[None]) for image in images]
        for _ in range(len(queue)):
            queue.start_async({0: batches[0]}, share_inputs=True)
        queue.wait_all()
        n_images, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            queue.start_async({0: batches[n_images % len(batches)]}, share_inputs=True)
            n_images += 1
        queue.wait_all()
        return n_images / (time.perf_counter() - start)

    def kernels(self) -> list[str]:
        """What computes each kind of layer, as OpenVINO says, such as `Softmax jit_avx2_f32`."""
        infos = [node.get_rt_info() for node in self.compiled.get_runtime_model().get_ops()]
        names = {f"{info['layerType'].value} {info['primitiveType'].value}" for info in infos}
        return sorted(names)


def openvino_precisions() -> list[str]:
    """bf16 only where the CPU computes in it: emulated, it would flatter us."""
    return ["f32", "bf16"] if machine.has_native_bf16() else ["f32"]


def openvino_best_precision() -> str:
    """The precision that an OpenVINO user of this CPU would choose for speed."""
    return openvino_precisions()[-1]
