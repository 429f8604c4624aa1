//! Resource handles.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The element of `resource` tensors: a shared pointer to a variable, table, queue ….
///
/// A handle keeps its resource alive. The empty handle (`Handle::default()`) points to nothing.
#[derive(Clone, Default)]
pub struct Handle(Option<Arc<Inner>>);

struct Inner {
    container: String,
    name: String,
    type_name: &'static str,
    resource: Arc<dyn Any + Send + Sync>,
}

impl Handle {
    /// A handle to `resource`, known as `name` in `container`.
    pub fn new<T: Any + Send + Sync>(container: &str, name: &str, resource: Arc<T>) -> Handle {
        Handle(Some(Arc::new(Inner {
            container: container.to_owned(),
            name: name.to_owned(),
            type_name: std::any::type_name::<T>(),
            resource,
        })))
    }

    /// The resource, if it is a `T`.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.as_ref()?.resource.downcast_ref()
    }

    /// A shared pointer to the resource, if it is a `T`.
    pub fn get_arc<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.0.as_ref()?.resource).downcast().ok()
    }

    /// The container's name; empty for most.
    pub fn container(&self) -> &str {
        self.0.as_ref().map_or("", |inner| &inner.container)
    }

    /// The resource's name.
    pub fn name(&self) -> &str {
        self.0.as_ref().map_or("", |inner| &inner.name)
    }

    /// Whether both point to the same resource.
    pub fn same(&self, other: &Handle) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Arc::ptr_eq(&a.resource, &b.resource),
            (None, None) => true,
            _ => false,
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(inner) => write!(f, "<{} {:?}>", inner.type_name, inner.name),
            None => f.write_str("<empty handle>"),
        }
    }
}
