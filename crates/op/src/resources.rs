//! What lives as long as a session.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use savedmodel_tensor::{Handle, Result};

type Key = (TypeId, String, String);

/// The variables, tables, queues and other state of a session, by type, container and name.
#[derive(Default)]
pub struct ResourceManager {
    resources: Mutex<FxHashMap<Key, Arc<dyn Any + Send + Sync>>>,
}

impl ResourceManager {
    /// A manager without resources.
    pub fn new() -> ResourceManager {
        ResourceManager::default()
    }

    /// The resource, made with `make` if there is none of that type and name yet.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get_or_create<T: Any + Send + Sync>(
        &self,
        container: &str,
        name: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        let key = (TypeId::of::<T>(), container.to_owned(), name.to_owned());
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = resources.get(&key).and_then(|found| Arc::clone(found).downcast().ok()) {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        resources.insert(key, Arc::clone(&made) as _);
        Ok(made)
    }

    /// A handle to the resource, made with `make` if it must be.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn handle<T: Any + Send + Sync>(
        &self,
        container: &str,
        name: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Handle> {
        Ok(Handle::new(container, name, self.get_or_create(container, name, make)?))
    }

    /// The resource, if there is one of that type and name.
    pub fn find<T: Any + Send + Sync>(&self, container: &str, name: &str) -> Option<Arc<T>> {
        let key = (TypeId::of::<T>(), container.to_owned(), name.to_owned());
        let resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(resources.get(&key)?).downcast().ok()
    }

    /// Puts a resource in place of what may be there.
    pub fn put<T: Any + Send + Sync>(&self, container: &str, name: &str, resource: Arc<T>) {
        let key = (TypeId::of::<T>(), container.to_owned(), name.to_owned());
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).insert(key, resource);
    }

    /// Forgets the resource; handles that are held elsewhere keep it alive.
    pub fn remove<T: Any + Send + Sync>(&self, container: &str, name: &str) -> bool {
        let key = (TypeId::of::<T>(), container.to_owned(), name.to_owned());
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).remove(&key).is_some()
    }

    /// All resources of a type, with container and name, sorted.
    pub fn all<T: Any + Send + Sync>(&self) -> Vec<(String, String, Arc<T>)> {
        let resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = resources
            .iter()
            .filter_map(|((_, container, name), resource)| {
                let resource = Arc::clone(resource).downcast::<T>().ok()?;
                Some((container.clone(), name.clone(), resource))
            })
            .collect();
        all.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        all
    }
}

impl fmt::Debug for ResourceManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "{} resources", resources.len())
    }
}
