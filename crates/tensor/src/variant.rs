//! Variants: values of kinds that are no dtype of their own, such as tensor lists.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::{self, Debug};
use std::sync::Arc;

use crate::{Error, Result};

/// What a type needs to travel in `variant` tensors.
pub trait VariantValue: Any + Debug + Send + Sync {
    /// The name that TensorFlow registers for the type, such as `tensorflow::TensorList`.
    fn type_name(&self) -> &'static str;

    /// What `ZerosLike` makes of the value.
    ///
    /// # Errors
    /// `INTERNAL` for types that do not say.
    fn zeros_like(&self) -> Result<Variant> {
        Err(no_function("unary_op", "ZEROS_LIKE", self.type_name()))
    }

    /// What `AddN` makes of the value and another of its type.
    ///
    /// # Errors
    /// `INTERNAL` for types that do not say.
    fn sum(&self, _: &Variant) -> Result<Variant> {
        Err(no_function("binary_op", "ADD", self.type_name()))
    }
}

/// The element of `variant` tensors: an immutable, shared value; `Variant::default()` is empty.
///
/// Writers use [`Variant::make_mut`], which copies the value unless it is theirs alone.
#[derive(Clone, Default)]
pub struct Variant(Option<Arc<dyn VariantValue>>);

impl Variant {
    /// A variant that holds `value`.
    pub fn new(value: impl VariantValue) -> Variant {
        Variant(Some(Arc::new(value)))
    }

    /// Whether this is the empty variant.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The registered name of the value's type; empty for the empty variant.
    pub fn type_name(&self) -> &'static str {
        self.0.as_ref().map_or("", |value| value.type_name())
    }

    /// What `ZerosLike` makes of the value.
    ///
    /// # Errors
    /// Those of the type.
    pub fn zeros_like(&self) -> Result<Variant> {
        self.0.as_ref().map_or(Ok(Variant::default()), |value| nested(|| value.zeros_like()))
    }

    /// What `AddN` makes of the value and another.
    ///
    /// # Errors
    /// `INTERNAL` when the types differ; those of the type.
    pub fn sum(&self, other: &Variant) -> Result<Variant> {
        let types = (self.type_name(), other.type_name());
        match &self.0 {
            _ if types.0 != types.1 => Err(Error::internal(format!(
                "Variants a and b have different type ids.  Type names: '{}' vs. '{}'",
                types.0, types.1
            ))),
            Some(value) => nested(|| value.sum(other)),
            None => Ok(Variant::default()),
        }
    }

    /// The error for the only function of a variant that TensorFlow has an operator for and no type has a function.
    pub fn no_conjugate(&self) -> Error {
        no_function("unary_op", "CONJ", self.type_name())
    }

    /// The value, if it is a `T`.
    pub fn get<T: VariantValue>(&self) -> Option<&T> {
        let value: &dyn Any = self.0.as_deref()?;
        value.downcast_ref()
    }

    /// The value to write to, if it is a `T`; it is cloned first if it is shared.
    pub fn make_mut<T: VariantValue + Clone>(&mut self) -> Option<&mut T> {
        if Arc::get_mut(self.0.as_mut()?).is_none() {
            let copy = self.get::<T>()?.clone();
            *self = Variant::new(copy);
        }
        let value: &mut dyn Any = Arc::get_mut(self.0.as_mut()?)?;
        value.downcast_mut()
    }
}

impl Drop for Variant {
    /// What lies in each other to any depth is dropped one after the other.
    fn drop(&mut self) {
        thread_local! {
            static WAITING: RefCell<Option<Vec<Arc<dyn VariantValue>>>> = const { RefCell::new(None) };
        }
        let Some(value) = self.0.take() else { return };
        let mut last = Some(value);
        _ = WAITING.try_with(|waiting| {
            if let Some(waiting) = &mut *waiting.borrow_mut() {
                waiting.extend(last.take());
                return;
            }
            *waiting.borrow_mut() = Some(Vec::new());
            while let Some(value) = last.take() {
                drop(value);
                last = waiting.borrow_mut().as_mut().and_then(Vec::pop);
            }
            *waiting.borrow_mut() = None;
        });
    }
}

/// Does something with a value that may hold others, to any depth: what lies deep has a stack of its own.
fn nested<R: Send>(f: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    /// Levels on the stack of the caller, who may have little.
    const FIRST: usize = 64;
    /// Levels on a stack made for them, and what one level may take of it in a debug build.
    const MORE: usize = 1024;
    const LEVEL: usize = 16 << 10;
    thread_local! {
        static LEFT: Cell<usize> = const { Cell::new(FIRST) };
    }
    let deeper = |left: usize, f: &mut dyn FnMut() -> Result<R>| {
        let before = LEFT.replace(left);
        let result = f();
        LEFT.set(before);
        result
    };
    let mut f = Some(f);
    let mut once = || f.take().map_or_else(|| Err(Error::internal("called twice")), |f| f());
    match LEFT.get() {
        0 => std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().stack_size(MORE * LEVEL);
            let thread = builder.spawn_scoped(scope, || deeper(MORE, &mut once));
            let thread = thread.map_err(|error| {
                Error::resource_exhausted(format!("no stack for values this deep in each other: {error}"))
            })?;
            thread.join().unwrap_or_else(|_| Err(Error::internal("a thread panicked")))
        }),
        left => deeper(left - 1, &mut once),
    }
}

fn no_function(kind: &str, function: &str, type_name: &str) -> Error {
    Error::internal(format!(
        "No unary variant {kind} function found for op {function} Variant type_name: {type_name} for device type: CPU"
    ))
}

impl Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => write!(f, "<{}>", value.type_name()),
            None => f.write_str("<empty variant>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nest(Variant);

    impl VariantValue for Nest {
        fn type_name(&self) -> &'static str {
            "Nest"
        }

        fn zeros_like(&self) -> Result<Variant> {
            Ok(Variant::new(Nest(self.0.zeros_like()?)))
        }

        fn sum(&self, other: &Variant) -> Result<Variant> {
            let other = other.get::<Nest>().ok_or_else(|| Error::internal("no nest"))?;
            Ok(Variant::new(Nest(self.0.sum(&other.0)?)))
        }
    }

    fn depth(variant: &Variant) -> usize {
        std::iter::successors(variant.get::<Nest>(), |nest| nest.0.get()).count()
    }

    #[test]
    fn values_in_values() {
        for n in [0, 1, 64, 65, 66, 1100, 100_000] {
            let nest = (0..n).fold(Variant::default(), |inner, _| Variant::new(Nest(inner)));
            let held = nest.clone();
            let (zeros, sum) = (nest.zeros_like().unwrap(), nest.sum(&held).unwrap());
            drop(nest);
            assert_eq!([depth(&held), depth(&zeros), depth(&sum)], [n; 3]);
        }
    }
}
