//! The trait of what holds the bytes.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use crate::{ImageId, PartName, StorageError};

/// Bytes proved fit for storage (P2). Implemented in one place outside tests:
/// `web/src/ingest.rs`, for what the pipeline has scrubbed.
pub trait Storable {
    /// The bytes.
    fn bytes(&self) -> &[u8];
}

/// Holds the bytes of images, each image's parts together with its sidecar, the
/// encoded record.
///
/// The promise, checked by `contract`'s suite for every
/// implementation:
///
/// - What a `put_*` or [`remove`](Self::remove) did is durable when it returns.
/// - A reader sees a part whole or not at all, whatever crashes when.
/// - A failed call leaves nothing behind that a reader could see or that takes
///   room. Where even the cleaning up fails, the image stays in doubt.
pub trait Blobs: Send + Sync {
    /// Stores a new image's first part and its sidecar; both appear at once.
    /// From before they appear the image is in doubt, also across a crash,
    /// until [`settle`](Self::settle).
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`] when there is an image of this id.
    fn put_image(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
        sidecar: &[u8],
    ) -> Result<(), StorageError>;

    /// As [`put_image`](Self::put_image), but keeps the bytes only once if image
    /// `twin` has the same ones as the same part. False, and nothing is stored,
    /// when it has not, or when they cannot be shared; every byte is compared,
    /// so that damage to the twin never spreads. From then on the two images
    /// are as independent as any.
    ///
    /// # Errors
    /// As [`put_image`](Self::put_image).
    fn put_twin(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
        sidecar: &[u8],
        twin: &ImageId,
    ) -> Result<bool, StorageError>;

    /// Ends the doubt about an image. Without effect when there is none.
    ///
    /// # Errors
    /// When the mark cannot be taken away.
    fn settle(&self, id: &ImageId) -> Result<(), StorageError>;

    /// The images in doubt: being stored now, or when a crash came.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn in_doubt(&self) -> Result<Vec<ImageId>, StorageError>;

    /// Replaces an image's sidecar.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such image.
    fn put_sidecar(&self, id: &ImageId, sidecar: &[u8]) -> Result<(), StorageError>;

    /// A part's bytes; `None` when there are none.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&self, id: &ImageId, part: &PartName) -> Result<Option<Vec<u8>>, StorageError>;

    /// A part opened for reading piece by piece; `None` when there is none. It
    /// stays readable when the image is removed meanwhile.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open(&self, id: &ImageId, part: &PartName) -> Result<Option<BlobReader>, StorageError>;

    /// An image's sidecar; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    fn sidecar(&self, id: &ImageId) -> Result<Option<Vec<u8>>, StorageError>;

    /// Removes an image: every part and the sidecar. False when there was none.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, id: &ImageId) -> Result<bool, StorageError>;

    /// Visits every image until the visitor breaks. Those stored or removed
    /// meanwhile may or may not be visited.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn for_each_id(
        &self,
        visit: &mut dyn FnMut(ImageId) -> ControlFlow<()>,
    ) -> Result<(), StorageError>;

    /// Proves by a small durable write that an image could be stored now.
    ///
    /// # Errors
    /// When none could.
    fn probe_writable(&self) -> Result<(), StorageError>;

    /// Clears away what a crash left unfinished, marks of doubt included. Only
    /// for the start, when nothing is being stored.
    ///
    /// # Errors
    /// When it cannot be cleared.
    fn sweep(&self) -> Result<(), StorageError>;
}

/// What a blob can be read from.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// One part of an image, opened for reading.
pub struct BlobReader {
    inner: Box<dyn ReadSeek>,
    bytes: u64,
}

impl BlobReader {
    pub(crate) fn new(inner: impl ReadSeek + 'static, bytes: u64) -> Self {
        Self {
            inner: Box::new(inner),
            bytes,
        }
    }

    /// The part's size in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.bytes
    }

    /// Whether the part has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BlobReader")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
