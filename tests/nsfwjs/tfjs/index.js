import { Tensor, cast, div, reshape } from "@tensorflow/tfjs-core";

// The whole package adds every operation to Tensor as a method, through modules
// that only a bundler can load. These are the three that nsfwjs calls.
Object.assign(Tensor.prototype, {
  toFloat() {
    return cast(this, "float32");
  },
  div(divisor) {
    return div(this, divisor);
  },
  reshape(shape) {
    return reshape(this, shape);
  },
});

export * from "@tensorflow/tfjs-core";
export * from "@tensorflow/tfjs-layers";
// mobilenet_v2_mid is a graph, which the converter's package runs.
export { loadGraphModel } from "@tensorflow/tfjs-converter";
