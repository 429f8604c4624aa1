//! Resource handles.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::{Variant, VariantValue};

/// The element of `resource` tensors: a shared pointer to a variable, table, queue ….
///
/// A handle keeps its resource alive. The empty handle (`Handle::default()`) points to nothing.
// It is a variant that nobody sees as one, so that whatever moves variants moves handles.
#[derive(Clone, Default)]
#[repr(transparent)]
pub struct Handle(Variant);

#[derive(Debug)]
struct Inner {
    container: String,
    name: String,
    type_name: &'static str,
    resource: Arc<dyn Any + Send + Sync>,
}

impl VariantValue for Inner {
    fn type_name(&self) -> &'static str {
        self.type_name
    }
}

impl Handle {
    /// A handle to `resource`, known as `name` in `container`.
    pub fn new<T: Any + Send + Sync>(container: &str, name: &str, resource: Arc<T>) -> Handle {
        Handle(Variant::new(Inner {
            container: container.to_owned(),
            name: name.to_owned(),
            type_name: std::any::type_name::<T>(),
            resource,
        }))
    }

    fn inner(&self) -> Option<&Inner> {
        self.0.get()
    }

    /// The resource, if it is a `T`.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.inner()?.resource.downcast_ref()
    }

    /// A shared pointer to the resource, if it is a `T`.
    pub fn get_arc<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.inner()?.resource).downcast().ok()
    }

    /// The container's name; empty for most.
    pub fn container(&self) -> &str {
        self.inner().map_or("", |inner| &inner.container)
    }

    /// The resource's name.
    pub fn name(&self) -> &str {
        self.inner().map_or("", |inner| &inner.name)
    }

    /// Whether both point to the same resource.
    pub fn same(&self, other: &Handle) -> bool {
        match (self.inner(), other.inner()) {
            (Some(a), Some(b)) => Arc::ptr_eq(&a.resource, &b.resource),
            (None, None) => true,
            _ => false,
        }
    }
}

impl From<Handle> for Variant {
    /// The memory unit that a tensor keeps of a handle.
    fn from(handle: Handle) -> Variant {
        handle.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inner() {
            Some(inner) => write!(f, "<{} {:?}>", inner.type_name, inner.name),
            None => f.write_str("<empty handle>"),
        }
    }
}
