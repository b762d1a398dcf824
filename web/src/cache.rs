//! Images that are asked for often, in memory with their headers.

use std::sync::Arc;

use axum::http::HeaderValue;
use bytes::Bytes;
use imgshare_pipeline::stage::variant::VARIANTS;
use imgshare_storage::ImageId;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Share of an entry that is not the image: key, headers, the cache's own.
const ENTRY_OVERHEAD_BYTES: u64 = 512;

/// Which bytes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rendition {
    /// The stored original.
    Original,
    /// A variant, by its name.
    Variant(&'static str),
}

/// Bytes ready to be sent.
#[derive(Debug)]
pub struct CachedImage {
    /// The file.
    pub bytes: Bytes,
    /// Its headers.
    pub headers: ImageHeaders,
}

/// The headers that depend on the image.
#[derive(Debug, Clone)]
pub struct ImageHeaders {
    /// `Content-Type`.
    pub mime: HeaderValue,
    /// `ETag`, in quotes.
    pub etag: HeaderValue,
    /// `Content-Disposition`.
    pub disposition: HeaderValue,
    /// Extension without the dot; another one is another address.
    pub extension: &'static str,
    /// How long caches may keep it.
    pub lifetime: Lifetime,
}

/// How long caches may keep an image without asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Its bytes never change; a takedown purges them.
    OfAnImage,
    /// It may be shown under today's label only, so that shared caches ask
    /// again as often as browsers.
    OfALabel,
    /// It was asked for by an address that is not its own, such as one with a
    /// query. Caches may keep it under that, and no purge would name it.
    OfAnotherName,
}

/// The cache, bounded by bytes.
pub struct ImageCache {
    images: Cache<(ImageId, Rendition), Arc<CachedImage>, ByBytes>,
    image_bytes_max: u64,
}

impl ImageCache {
    /// Room for `bytes_max` bytes of images of at most `image_bytes_max` each.
    #[must_use]
    pub fn new(bytes_max: u64, image_bytes_max: u64) -> Self {
        const TYPICAL_IMAGE_BYTES: u64 = 128 << 10;
        let n_expected = usize::try_from(bytes_max / TYPICAL_IMAGE_BYTES).unwrap_or(usize::MAX);
        Self {
            images: Cache::with_weighter(n_expected.clamp(16, 1 << 20), bytes_max, ByBytes),
            image_bytes_max: image_bytes_max.min(bytes_max),
        }
    }

    /// Whether an image of this size is kept in memory at all.
    #[must_use]
    pub fn takes(&self, bytes: u64) -> bool {
        bytes <= self.image_bytes_max
    }

    /// The image, if it is here.
    #[must_use]
    pub fn find(&self, id: ImageId, rendition: Rendition) -> Option<Arc<CachedImage>> {
        self.images.get(&(id, rendition))
    }

    /// Keeps the image. Whoever inserts looks at the record once more
    /// afterwards: a removal between reading and inserting would be missed.
    pub fn insert(&self, id: ImageId, rendition: Rendition, image: Arc<CachedImage>) {
        self.images.insert((id, rendition), image);
    }

    /// Forgets every rendition of an image.
    pub fn remove(&self, id: ImageId) {
        self.images.remove(&(id, Rendition::Original));
        for spec in VARIANTS {
            self.images.remove(&(id, Rendition::Variant(spec.name)));
        }
    }

    /// Bytes in use.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.images.weight()
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<(ImageId, Rendition), Arc<CachedImage>> for ByBytes {
    fn weight(&self, _: &(ImageId, Rendition), image: &Arc<CachedImage>) -> u64 {
        u64::try_from(image.bytes.len())
            .unwrap_or(u64::MAX)
            .saturating_add(ENTRY_OVERHEAD_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(length: usize) -> Arc<CachedImage> {
        let value = HeaderValue::from_static("x");
        Arc::new(CachedImage {
            bytes: Bytes::from(vec![0; length]),
            headers: ImageHeaders {
                mime: value.clone(),
                etag: value.clone(),
                disposition: value,
                extension: "jpg",
                lifetime: Lifetime::OfAnImage,
            },
        })
    }

    #[test]
    fn a_removed_image_is_gone_in_every_rendition() {
        let cache = ImageCache::new(1 << 20, 1 << 20);
        let (removed, kept) = (ImageId::random().unwrap(), ImageId::random().unwrap());
        for id in [removed, kept] {
            cache.insert(id, Rendition::Original, image(10));
            cache.insert(id, Rendition::Variant(VARIANTS[0].name), image(10));
        }
        cache.remove(removed);
        assert!(cache.find(removed, Rendition::Original).is_none());
        assert!(
            cache
                .find(removed, Rendition::Variant(VARIANTS[0].name))
                .is_none()
        );
        assert!(cache.find(kept, Rendition::Original).is_some());
    }

    #[test]
    fn the_budget_holds() {
        let cache = ImageCache::new(100_000, 50_000);
        assert!(cache.takes(50_000) && !cache.takes(50_001));
        for _ in 0..50 {
            cache.insert(
                ImageId::random().unwrap(),
                Rendition::Original,
                image(10_000),
            );
        }
        assert!(cache.bytes() <= 100_000, "{}", cache.bytes());
    }
}
