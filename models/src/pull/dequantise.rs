//! From the package's bundled, quantised weights to named f32 tensors.

use sha2::{Digest, Sha256};

use super::PullError;
use super::bundle::{self, SourceWeight};
use super::package::ModelFiles;
use crate::manifest::ModelSpec;
use crate::weights::Tensor;

/// A model's weights in the order of the source, by the source's names.
pub(super) type NamedTensors = Vec<(String, Tensor)>;

/// Puts the shards of `spec` together, checks their sha256 and turns each
/// weight into f32: `byte * scale + min` in f64, as tfjs does.
pub(super) fn dequantise(
    spec: &'static ModelSpec,
    files: ModelFiles<'_>,
) -> Result<NamedTensors, PullError> {
    let malformed = |reason| PullError::Malformed {
        reason: format!("{}: {reason}", spec.id),
    };
    let mut bytes = Vec::new();
    for shard in files.shards {
        bytes.extend(bundle::shard(shard).map_err(malformed)?);
    }
    let actual = hex::encode(Sha256::digest(&bytes));
    if actual != spec.source_sha256 {
        return Err(PullError::WrongWeights {
            id: spec.id,
            actual,
        });
    }
    let groups = bundle::weight_manifest(files.model).map_err(malformed)?;
    let weights = groups.into_iter().flat_map(|group| group.weights);
    split(weights, &bytes).map_err(malformed)
}

fn split(
    weights: impl Iterator<Item = SourceWeight>,
    mut bytes: &[u8],
) -> Result<NamedTensors, String> {
    let mut tensors = NamedTensors::new();
    for weight in weights {
        if weight.dtype != "float32" || weight.quantization.dtype != "uint8" {
            return Err(format!("{} is not float32 quantised to uint8", weight.name));
        }
        let count = weight
            .shape
            .iter()
            .try_fold(1_usize, |count, &n| count.checked_mul(n));
        let count = count.filter(|&count| count <= bytes.len());
        let count =
            count.ok_or_else(|| format!("{} has more values than are there", weight.name))?;
        let (quantised, rest) = bytes.split_at(count);
        bytes = rest;
        let (scale, min) = (weight.quantization.scale, weight.quantization.min);
        let values = quantised
            .iter()
            .map(|&byte| to_f32(f64::from(byte) * scale + min))
            .collect();
        tensors.push((
            weight.name,
            Tensor {
                shape: weight.shape,
                values,
            },
        ));
    }
    if !bytes.is_empty() {
        return Err(format!("{} bytes belong to no weight", bytes.len()));
    }
    Ok(tensors)
}

#[expect(clippy::cast_possible_truncation, reason = "f32 is what tfjs keeps")]
fn to_f32(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::super::bundle::Quantization;
    use super::*;

    fn weight(name: &str, shape: &[usize]) -> SourceWeight {
        SourceWeight {
            name: name.to_owned(),
            shape: shape.to_vec(),
            dtype: "float32".to_owned(),
            quantization: Quantization {
                min: -0.5,
                scale: 0.25,
                dtype: "uint8".to_owned(),
            },
        }
    }

    #[test]
    fn bytes_are_shared_out_in_order() {
        let tensors = split(
            [weight("a", &[2]), weight("b", &[])].into_iter(),
            &[0, 2, 255],
        )
        .unwrap();
        assert_eq!(tensors[0].1.values, [-0.5, 0.0]);
        assert_eq!(
            tensors[1],
            (
                "b".to_owned(),
                Tensor {
                    shape: vec![],
                    values: vec![63.25]
                }
            )
        );
    }

    #[test]
    fn too_many_or_too_few_bytes_are_refused() {
        assert!(split([weight("a", &[2])].into_iter(), &[0]).is_err());
        assert!(split([weight("a", &[2])].into_iter(), &[0, 0, 0]).is_err());
        assert!(split([weight("a", &[usize::MAX, 2])].into_iter(), &[0]).is_err());
    }

    #[test]
    fn another_encoding_is_refused() {
        let mut float16 = weight("a", &[1]);
        float16.quantization.dtype = "float16".to_owned();
        assert!(split([float16].into_iter(), &[0]).is_err());
    }
}
