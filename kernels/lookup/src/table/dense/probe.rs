//! Hashes of keys and the search through buckets.

use savedmodel_tensor::{Bytes, Error, Result, Unit};
use savedmodel_text::hash::{combine64, hash64};

/// An element of a key, as memory unit.
pub trait Key: Unit + Eq {
    /// The hash that picks the first bucket.
    fn hash(&self) -> u64;
}

impl Key for u32 {
    fn hash(&self) -> u64 {
        i64::from(self.cast_signed()).cast_unsigned()
    }
}

impl Key for u64 {
    fn hash(&self) -> u64 {
        *self
    }
}

impl Key for Bytes {
    fn hash(&self) -> u64 {
        hash64(self)
    }
}

fn hash_row<K: Key>(row: &[K]) -> u64 {
    match row {
        [key] => key.hash(),
        _ => row.iter().fold(0, |hash, key| combine64(hash, key.hash())),
    }
}

/// What a search came to.
pub enum Found {
    /// The bucket that holds the key.
    Key(usize),
    /// The free bucket at which the search stopped.
    Free(usize),
    /// All probes were in vain, which happens only after odd imports.
    Nowhere,
}

/// The two keys that are no keys of entries.
pub struct Reserved<'a, K> {
    /// The key of buckets that were never used.
    pub empty: &'a [K],
    /// The key of buckets whose entry was removed.
    pub deleted: &'a [K],
}

impl<K: Key> Reserved<'_, K> {
    /// Whether the key marks a bucket without entry.
    pub fn contains(&self, key: &[K]) -> bool {
        key == self.empty || key == self.deleted
    }

    /// # Errors
    /// `INVALID_ARGUMENT` for a reserved key.
    pub fn check(&self, key: &[K]) -> Result<()> {
        let name = match key {
            _ if key == self.empty => "empty_key",
            _ if key == self.deleted => "deleted_key",
            _ => return Ok(()),
        };
        Err(Error::invalid_argument(format!("Using the {name} as a table key is not allowed")))
    }

    /// Looks for a key in the buckets, with quadratic probing, until a never used bucket; with `reuse`, until a
    /// bucket without entry.
    pub fn search(&self, buckets: &[K], key: &[K], reuse: bool) -> Found {
        let width = self.empty.len();
        let count = buckets.len() / width;
        let Some(mask) = count.checked_sub(1) else { return Found::Nowhere };
        let mut bucket = hash_row(key) as usize & mask;
        for probe in 1..=count {
            let found = &buckets[bucket * width..][..width];
            if found == key {
                return Found::Key(bucket);
            }
            if found == self.empty || reuse && found == self.deleted {
                return Found::Free(bucket);
            }
            bucket = (bucket + probe) & mask;
        }
        Found::Nowhere
    }
}
