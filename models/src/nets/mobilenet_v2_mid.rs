//! MobileNetV2 at width 1.4 with one layer of classes behind it: a feature
//! vector of TensorFlow Hub that nsfwjs trained on. Its converter has folded the
//! batch norms already, and its input is brought to -1..=1 by the graph itself.

use imgshare_kernels::network::{Activation, Conv, Depthwise, Layer, Levels, Network, Padding};

use super::folded::{Sizes, dense_of};
use super::mobilenet_v2::{Place, Source, Widths, features};
use crate::weights::{Weights, WeightsError};

const WIDTHS: Widths = Widths {
    stem: 48,
    stages: [24, 32, 48, 88, 136, 224, 448],
    features: 1792,
};
const CLASSES: usize = 5;

/// What the graph's names begin with.
const GRAPH: &str = "StatefulPartitionedCall/sequential/keras_layer/StatefulPartitionedCall/\
                     StatefulPartitionedCall/StatefulPartitionedCall/predict";
/// The converter's names for kernel and bias of the layer of classes.
const DENSE: [&str; 2] = [
    "Func/StatefulPartitionedCall/input/_262",
    "Func/StatefulPartitionedCall/input/_263",
];

/// The network with `weights` in it.
pub(super) fn describe(weights: &Weights) -> Result<Network, WeightsError> {
    let graph = Graph(weights);
    let mut layers = features(&graph, &WIDTHS)?;
    let sides = [WIDTHS.features, CLASSES];
    let dense = dense_of(weights, DENSE, sides, Activation::None)?;
    layers.push(Layer::Dense(dense));
    layers.push(Layer::Softmax);
    let side = weights.spec().side_usize();
    Ok(Network {
        height: side,
        width: side,
        levels: graph.levels()?,
        layers,
    })
}

/// Weights under the converter's names, norms folded in.
struct Graph<'a>(&'a Weights);

impl Graph<'_> {
    /// The graph multiplies its input, then subtracts.
    fn levels(&self) -> Result<Levels, WeightsError> {
        let number = |name| -> Result<f32, WeightsError> {
            let values = self.0.values(&format!("{GRAPH}/hub_input/{name}/y"), &[])?;
            Ok(values.iter().sum())
        };
        let (factor, less) = (number("Mul")?, number("Sub")?);
        Ok(Levels {
            low: -less,
            high: factor - less,
        })
    }

    /// Values and biases of the convolution `name`, whose operation has the
    /// given names for both.
    fn parts(
        &self,
        name: &str,
        [kernel, bias]: [&str; 2],
        shape: [usize; 4],
        channels: usize,
    ) -> Result<(Vec<f32>, Vec<f32>), WeightsError> {
        let path = format!("{GRAPH}/MobilenetV2/{name}");
        let kernel = self.0.values(&format!("{path}/{kernel}"), &shape)?;
        let bias = self.0.values(&format!("{path}/{bias}"), &[channels])?;
        Ok((kernel.to_vec(), bias.to_vec()))
    }
}

impl Source for Graph<'_> {
    fn conv(
        &self,
        place: Place,
        sizes: Sizes,
        activation: Activation,
    ) -> Result<Conv, WeightsError> {
        let name = match place {
            Place::Stem => "Conv".to_owned(),
            Place::Features => "Conv_1".to_owned(),
            Place::Expand(idx) => format!("{}/expand", block(idx)),
            Place::Project(idx) => format!("{}/project", block(idx)),
        };
        let [height, width] = sizes.kernel;
        let shape = [height, width, sizes.channels_in, sizes.channels_out];
        let names = ["Conv2D_weights", "Conv2D_bn_offset"];
        let (weights, bias) = self.parts(&name, names, shape, sizes.channels_out)?;
        Ok(Conv {
            kernel_height: height,
            kernel_width: width,
            stride: sizes.stride,
            padding: sizes.padding,
            weights,
            bias,
            activation,
        })
    }

    fn depthwise(
        &self,
        block_idx: usize,
        channels: usize,
        (stride, padding): (usize, Padding),
    ) -> Result<Depthwise, WeightsError> {
        let name = format!("{}/depthwise", block(block_idx));
        let names = ["depthwise_weights", "depthwise_bn_offset"];
        let (weights, bias) = self.parts(&name, names, [3, 3, channels, 1], channels)?;
        Ok(Depthwise {
            stride,
            padding,
            weights,
            bias,
            activation: Activation::Relu6,
        })
    }
}

fn block(idx: usize) -> String {
    match idx {
        0 => "expanded_conv".to_owned(),
        idx => format!("expanded_conv_{idx}"),
    }
}
