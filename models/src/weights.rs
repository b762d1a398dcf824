//! Installed weights: read from safetensors, checked before anything is built
//! from them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use crate::manifest::ModelSpec;

/// A model's weights in memory, by the names of its source.
#[derive(Clone)]
pub struct Weights {
    spec: &'static ModelSpec,
    tensors: Arc<HashMap<String, Tensor>>,
}

/// One weight: its shape in the source's layout, and its values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Sizes, outermost first: HWIO for a convolution, `[in, out]` for a dense layer.
    pub shape: Vec<usize>,
    /// As many values as the shape says.
    pub values: Vec<f32>,
}

/// Why weights cannot be used. Every text names the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// No weights, or no checksum beside them.
    #[error("model {id} is not installed in {folder}: run `imgshare models pull {id}`")]
    NotInstalled {
        /// The model.
        id: &'static str,
        /// The folder that was looked into.
        folder: PathBuf,
    },
    /// The weights do not have the sha256 that was noted when they were installed.
    #[error(
        "{path} has changed since it was installed ({reason}): run `imgshare models pull {id}` to replace it"
    )]
    Damaged {
        /// The model.
        id: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights lack a tensor, or have it in another shape.
    #[error(
        "the weights of {id} do not fit its network ({reason}): run `imgshare models pull {id}` to replace them"
    )]
    Unfit {
        /// The model.
        id: &'static str,
        /// The tensor and what is wrong with it.
        reason: String,
    },
    /// The file could not be read.
    #[error("{path} cannot be read: {source}; check the folder and its permissions")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
}

impl Weights {
    /// Reads the weights of `spec` installed in `models_dir` and checks their
    /// sha256 against the file beside them, then that they say they are of
    /// this model and for this preprocessing.
    ///
    /// # Errors
    /// [`WeightsError`]: not installed, damaged, or unreadable.
    pub fn load(models_dir: &Path, spec: &'static ModelSpec) -> Result<Self, WeightsError> {
        let path = models_dir.join(spec.file_name());
        let bytes = read_checked(models_dir, spec)?;
        let tensors = parse(&bytes, spec).map_err(|reason| WeightsError::Damaged {
            id: spec.id,
            path,
            reason,
        })?;
        Ok(Self {
            spec,
            tensors: Arc::new(tensors),
        })
    }

    /// The model these weights are of.
    pub fn spec(&self) -> &'static ModelSpec {
        self.spec
    }

    /// Whether there is a tensor called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The values of the tensor called `name`, which must have `shape`.
    ///
    /// # Errors
    /// [`WeightsError::Unfit`] if there is none, or none of this shape.
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<&[f32], WeightsError> {
        let unfit = |reason| WeightsError::Unfit {
            id: self.spec.id,
            reason,
        };
        let tensor = self
            .tensors
            .get(name)
            .ok_or_else(|| unfit(format!("no {name}")))?;
        if tensor.shape != shape {
            return Err(unfit(format!(
                "{name} is {:?}, expected {shape:?}",
                tensor.shape
            )));
        }
        Ok(&tensor.values)
    }
}

/// Keys of the safetensors header that an installed file carries.
pub(crate) const META_MODEL: &str = "model";
pub(crate) const META_PREPROCESSING: &str = "preprocessing";

/// The file's bytes, once its sha256 is the one noted beside it.
pub(crate) fn read_checked(
    models_dir: &Path,
    spec: &'static ModelSpec,
) -> Result<Vec<u8>, WeightsError> {
    let path = models_dir.join(spec.file_name());
    let noted = read_bounded(
        models_dir,
        spec,
        &models_dir.join(spec.checksum_file_name()),
        1024,
    )?;
    let bytes = read_bounded(models_dir, spec, &path, file_bytes_max(spec))?;
    let actual = hex::encode(Sha256::digest(&bytes));
    if noted.split(u8::is_ascii_whitespace).next() == Some(actual.as_bytes()) {
        Ok(bytes)
    } else {
        let reason = format!("its sha256 is {actual}");
        Err(WeightsError::Damaged {
            id: spec.id,
            path,
            reason,
        })
    }
}

/// Four bytes a weight, and room for the header: 400 names of 200 characters.
fn file_bytes_max(spec: &ModelSpec) -> u64 {
    spec.source_bytes * 4 + (1 << 20)
}

fn read_bounded(
    models_dir: &Path,
    spec: &'static ModelSpec,
    path: &Path,
    bytes_max: u64,
) -> Result<Vec<u8>, WeightsError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if u64::try_from(length).is_ok_and(|length| length <= bytes_max) => Ok(bytes),
        Ok(_) => Err(WeightsError::Damaged {
            id: spec.id,
            path: path.to_owned(),
            reason: format!("it is longer than {bytes_max} bytes"),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(WeightsError::NotInstalled {
            id: spec.id,
            folder: models_dir.to_owned(),
        }),
        Err(source) => Err(WeightsError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

fn parse(bytes: &[u8], spec: &ModelSpec) -> Result<HashMap<String, Tensor>, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let metadata = header.metadata().clone().unwrap_or_default();
    for (key, expected) in [
        (META_MODEL, spec.id),
        (META_PREPROCESSING, spec.trained_for),
    ] {
        let actual = metadata.get(key).map_or("nothing", String::as_str);
        if actual != expected {
            return Err(format!("its {key} is {actual}, expected {expected}"));
        }
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    file.iter()
        .map(|(name, view)| {
            if view.dtype() != Dtype::F32 {
                return Err(format!("{name} is {:?}, expected F32", view.dtype()));
            }
            let (values, _) = view.data().as_chunks::<4>();
            let values = values
                .iter()
                .map(|&bytes| f32::from_le_bytes(bytes))
                .collect();
            Ok((
                name.to_owned(),
                Tensor {
                    shape: view.shape().to_vec(),
                    values,
                },
            ))
        })
        .collect()
}
