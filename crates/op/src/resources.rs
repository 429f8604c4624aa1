//! What lives as long as a session.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use savedmodel_tensor::{Handle, Result};

type Key = (TypeId, String, String);

/// What a [`ResourceManager`] keeps.
pub trait Resource: Any + Send + Sync + Sized {
    /// A copy of its own with the contents as they are now; `None` if it can't be copied, or belongs to one run.
    fn fork(&self) -> Option<Self>;
}

/// A resource, and how it is copied.
struct Kept {
    resource: Arc<dyn Any + Send + Sync>,
    fork: fn(&dyn Any) -> Option<Arc<dyn Any + Send + Sync>>,
}

impl Kept {
    fn new<T: Resource>(resource: Arc<T>) -> Kept {
        let fork = |resource: &dyn Any| {
            let copy = resource.downcast_ref::<T>()?.fork()?;
            Some(Arc::new(copy) as _)
        };
        Kept { resource, fork }
    }

    fn get<T: Resource>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.resource).downcast().ok()
    }
}

/// The variables, tables, queues and other state of a session, by type, container and name.
#[derive(Default)]
pub struct ResourceManager {
    resources: Mutex<FxHashMap<Key, Kept>>,
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
    pub fn get_or_create<T: Resource>(
        &self,
        container: &str,
        name: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        let key = (TypeId::of::<T>(), container.to_owned(), name.to_owned());
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = resources.get(&key).and_then(Kept::get) {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        resources.insert(key, Kept::new(Arc::clone(&made)));
        Ok(made)
    }

    /// A handle to the resource, made with `make` if it must be.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn handle<T: Resource>(
        &self,
        container: &str,
        name: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Handle> {
        Ok(Handle::new(container, name, self.get_or_create(container, name, make)?))
    }

    /// The resource, if there is one of that type and name.
    pub fn find<T: Resource>(&self, container: &str, name: &str) -> Option<Arc<T>> {
        let key = (TypeId::of::<T>(), container.to_owned(), name.to_owned());
        let resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        resources.get(&key)?.get()
    }

    /// Puts a resource in place of what may be there.
    pub fn put<T: Resource>(&self, container: &str, name: &str, resource: Arc<T>) {
        let key = (TypeId::of::<T>(), container.to_owned(), name.to_owned());
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Kept::new(resource));
    }

    /// Forgets the resource; handles that are held elsewhere keep it alive.
    pub fn remove<T: Resource>(&self, container: &str, name: &str) -> bool {
        let key = (TypeId::of::<T>(), container.to_owned(), name.to_owned());
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).remove(&key).is_some()
    }

    /// Puts copies of all resources that can be copied into another manager, in place of what may be there. Gives whether
    /// these are all.
    pub fn fork_into(&self, other: &ResourceManager) -> bool {
        let resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copies = Vec::with_capacity(resources.len());
        for (key, kept) in resources.iter() {
            if let Some(resource) = (kept.fork)(&*kept.resource) {
                copies.push((key.clone(), Kept { resource, fork: kept.fork }));
            }
        }
        let all = copies.len() == resources.len();
        drop(resources);
        other.resources.lock().unwrap_or_else(PoisonError::into_inner).extend(copies);
        all
    }

    /// All resources of a type, with container and name, sorted.
    pub fn all<T: Resource>(&self) -> Vec<(String, String, Arc<T>)> {
        let resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = resources
            .iter()
            .filter_map(|((_, container, name), resource)| {
                Some((container.clone(), name.clone(), resource.get::<T>()?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Number(i32);

    impl Resource for Number {
        fn fork(&self) -> Option<Number> {
            (self.0 > 0).then_some(Number(self.0))
        }
    }

    #[test]
    fn copies_have_no_part_in_what_happens_later() {
        let (first, second) = (ResourceManager::new(), ResourceManager::new());
        let put = |manager: &ResourceManager, name: &str, n| manager.put("", name, Arc::new(Number(n)));
        put(&first, "a", 1);
        put(&second, "a", 2);
        put(&second, "b", 3);
        assert!(first.fork_into(&second));
        put(&first, "a", 4);
        put(&first, "stays", 0);
        let found = |name: &str| second.find::<Number>("", name).map(|number| number.0);
        assert_eq!((found("a"), found("b"), found("stays")), (Some(1), Some(3), None));
        assert!(!first.fork_into(&second));
        assert_eq!((found("a"), found("stays")), (Some(4), None));
    }
}
