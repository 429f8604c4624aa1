//! Filters that are made ready once.

use std::sync::OnceLock;

use savedmodel_tensor::Result;

/// What a filter became, kept if the filter never changes.
pub struct Ready<V> {
    keeps: bool,
    /// With the number of groups it was made for.
    kept: OnceLock<(usize, V)>,
}

impl<V> Ready<V> {
    /// Nothing yet; `keeps` tells whether the filter never changes.
    pub fn new(keeps: bool) -> Ready<V> {
        Ready { keeps, kept: OnceLock::new() }
    }

    /// Makes it ready for this number of groups ahead of time.
    pub fn set(&self, groups: usize, value: V) {
        let _ = self.kept.set((groups, value));
    }

    /// Calls `f` with what is kept, or with what `make` makes.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn with<R>(
        &self,
        groups: usize,
        make: impl FnOnce() -> Result<V>,
        f: impl FnOnce(&V) -> R,
    ) -> Result<R> {
        if let Some((known, value)) = self.kept.get()
            && *known == groups
        {
            return Ok(f(value));
        }
        let value = make()?;
        let result = f(&value);
        if self.keeps {
            self.set(groups, value);
        }
        Ok(result)
    }
}
