//! Filters that are made ready once.

use std::sync::OnceLock;

use savedmodel_tensor::Result;

/// What a filter became, kept if the filter never changes.
pub struct Ready<V, K = usize> {
    keeps: bool,
    /// With what it was made for: the number of groups, and perhaps more.
    kept: OnceLock<(K, V)>,
}

impl<V, K: PartialEq> Ready<V, K> {
    /// Nothing yet; `keeps` tells whether the filter never changes.
    pub fn new(keeps: bool) -> Ready<V, K> {
        Ready { keeps, kept: OnceLock::new() }
    }

    /// Makes it ready for that ahead of time.
    pub fn set(&self, purpose: K, value: V) {
        let _ = self.kept.set((purpose, value));
    }

    /// Calls `f` with what is kept, or with what `make` makes.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn with<R>(
        &self,
        purpose: K,
        make: impl FnOnce() -> Result<V>,
        f: impl FnOnce(&V) -> R,
    ) -> Result<R> {
        if let Some((known, value)) = self.kept.get()
            && *known == purpose
        {
            return Ok(f(value));
        }
        let value = make()?;
        let result = f(&value);
        if self.keeps {
            self.set(purpose, value);
        }
        Ok(result)
    }
}
