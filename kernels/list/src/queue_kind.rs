//! What a queue is made with, and how its operators make it.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Handle, PartialShape, Result, Tensor};

use crate::queue::Queue;

/// Which tuple comes next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    /// The one that came first.
    First,
    /// The same; tensors that are stacked are padded with zeros to the largest where their shapes leave sizes open.
    Padded,
    /// One that is drawn with these seeds; so many stay in an open queue.
    Random { stay: usize, seeds: [i64; 2] },
    /// The one whose first number is the least.
    Priority,
}

/// What a queue is made with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kind {
    pub order: Order,
    /// The dtypes of a tuple.
    pub dtypes: Vec<DType>,
    /// The shapes of a tuple's tensors; none if they may have any.
    pub shapes: Vec<PartialShape>,
    /// How many tuples there may be; negative for no limit.
    pub capacity: i64,
}

impl Kind {
    /// What TensorFlow calls it.
    pub fn name(&self) -> &'static str {
        match self.order {
            Order::First => "FIFOQueue",
            Order::Padded => "PaddingFIFOQueue",
            Order::Random { .. } => "RandomShuffleQueue",
            Order::Priority => "PriorityQueue",
        }
    }

    /// Checks that a queue of this kind that is called `name` is what an operator wants.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is not.
    pub fn check(&self, name: &str, wanted: &Kind) -> Result<()> {
        let differs = |what: &str, own: String, other: String| {
            Err(Error::invalid_argument(format!(
                "Shared queue '{name}' has {what} {own} but requested {what} {other}"
            )))
        };
        if self.name() != wanted.name() {
            let text = format!("Expected {}, found {}", self.name(), wanted.name());
            return Err(Error::invalid_argument(text));
        }
        if self.capacity != wanted.capacity {
            return differs("capacity", self.capacity.to_string(), format!("was {}", wanted.capacity));
        }
        if self.order != wanted.order {
            return differs("order", format!("{:?}", self.order), format!("is {:?}", wanted.order));
        }
        if self.dtypes != wanted.dtypes {
            let (own, other) = (list(&self.dtypes), list(&wanted.dtypes));
            return differs("component types", own, format!("were {other}"));
        }
        let fits = |(own, wanted): (&PartialShape, &PartialShape)| own.merge(wanted).is_some();
        // Shapes that leave sizes open are as good as others that fit them.
        let same =
            self.shapes.len() == wanted.shapes.len() && self.shapes.iter().zip(&wanted.shapes).all(fits);
        if !same {
            let (own, other) = (list(&self.shapes), list(&wanted.shapes));
            return differs("component shapes", format!("[{own}]"), format!("were [{other}]"));
        }
        Ok(())
    }
}

/// Items with commas between.
pub(crate) fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The shapes that a node declares for so many tensors, all of which must be known.
///
/// # Errors
/// `INVALID_ARGUMENT` when one is not, or when there are as many as tensors nor none.
pub(crate) fn known_shapes(node: &Construction<'_>, dtypes: usize) -> Result<Vec<PartialShape>> {
    let shapes = shapes(node, dtypes)?;
    match shapes.iter().find(|shape| shape.known().is_none()) {
        Some(shape) => Err(Error::invalid_argument(format!("Shape {shape} is not fully defined"))),
        None => Ok(shapes),
    }
}

/// The same, of which sizes may be open.
pub(crate) fn shapes(node: &Construction<'_>, dtypes: usize) -> Result<Vec<PartialShape>> {
    let shapes: Vec<PartialShape> = node.attr("shapes")?;
    if !shapes.is_empty() && shapes.len() != dtypes {
        return Err(Error::invalid_argument(format!(
            "Different number of component types ({dtypes}) vs. shapes ({}).",
            shapes.len()
        )));
    }
    Ok(shapes)
}

/// An operator without inputs that makes a queue; the first version gives a reference.
pub(crate) const fn operator(
    name: &'static str,
    attrs: &'static [&'static str],
    build: fn(&Construction<'_>) -> Result<Box<dyn Kernel>>,
    is_first: bool,
) -> Op {
    Op {
        name,
        inputs: &[],
        outputs: if is_first { &["handle: Ref(string)"] } else { &["handle: resource"] },
        attrs,
        effect: Effect::Handle,
        shape: if is_first { shape::unknown } else { shape::scalar },
        kernels: Kernels::one(build),
    }
}

/// The kernel that gives a handle to the queue of a node's name, of this order.
///
/// # Errors
/// Those of a missing attribute.
pub(crate) fn kernel(
    node: &Construction<'_>,
    order: Order,
    dtypes: Vec<DType>,
    shapes: Vec<PartialShape>,
) -> Result<Box<dyn Kernel>> {
    let (container, shared): (String, String) = (node.attr("container")?, node.attr("shared_name")?);
    let name = if shared.is_empty() { node.name.to_owned() } else { shared };
    let kind = Kind { order, dtypes, shapes, capacity: capacity(node)? };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let make = || Ok(Queue::new(&name, kind.clone()));
        let queue = ctx.run().resources.get_or_create(&container, &name, make)?;
        queue.kind().check(&name, &kind)?;
        ctx.set(0, Tensor::from_handles([], vec![Handle::new(&container, &name, queue)])?);
        Ok(())
    }))
}

/// How many tuples a node's queue may hold; -1 for no limit.
///
/// # Errors
/// Those of a missing attribute.
pub(crate) fn capacity(node: &Construction<'_>) -> Result<i64> {
    Ok(node.attr::<i64>("capacity")?.max(-1))
}
