//! Iterators: places in datasets that last from run to run.

use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Resource, Run, shape};
use savedmodel_tensor::{DType, Error, Handle, PartialShape, Result, Shape, Tensor, Variant, VariantValue};

use crate::dataset::{Dataset, Elements, Row};
use crate::function::Function;
use crate::optional::optional;
use crate::reduce::set_all;

/// They name or make an iterator, let it begin with a dataset, and give its next row.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IteratorV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/OneShotIterator>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MakeIterator>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IteratorGetNext>
pub const OPS: &[Op] = &[
    Op { name: "Iterator", ..NAMED },
    NAMED,
    Op {
        name: "OneShotIterator",
        attrs: &[
            "dataset_factory: func",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "container: string = ''",
            "shared_name: string = ''",
        ],
        kernels: Kernels::one(build_one_shot),
        ..NAMED
    },
    ANONYMOUS,
    Op { name: "AnonymousIteratorV2", outputs: &["handle: resource", "deleter: variant"], ..ANONYMOUS },
    Op { name: "AnonymousIteratorV3", ..ANONYMOUS },
    Op {
        name: "MakeIterator",
        inputs: &["dataset: variant", "iterator: resource"],
        outputs: &[],
        attrs: &[],
        shape: shape::none,
        kernels: Kernels::one(build_make),
        ..NEXT
    },
    Op {
        name: "DeleteIterator",
        inputs: &["handle: resource", "deleter: variant"],
        outputs: &[],
        attrs: &[],
        shape: shape::none,
        kernels: Kernels::one(|_| Ok(Box::new(|_: &mut Context<'_>| Ok(())))),
        ..NEXT
    },
    NEXT,
    Op { name: "IteratorGetNextSync", ..NEXT },
    Op {
        name: "IteratorGetNextAsOptional",
        outputs: &["optional: variant"],
        shape: shape::scalar,
        kernels: Kernels::one(build_next_optional),
        ..NEXT
    },
];

const NAMED: Op = Op {
    name: "IteratorV2",
    inputs: &[],
    outputs: &["handle: resource"],
    attrs: &[
        "shared_name: string",
        "container: string",
        "output_types: list(type) >= 1",
        "output_shapes: list(shape) >= 1",
    ],
    effect: Effect::Handle,
    shape: shape::scalar,
    kernels: Kernels::one(build_named),
};

const ANONYMOUS: Op = Op {
    name: "AnonymousIterator",
    inputs: &[],
    outputs: &["handle: resource"],
    attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1"],
    effect: Effect::Random,
    shape: shape::scalar,
    kernels: Kernels::one(build_anonymous),
};

const NEXT: Op = Op {
    name: "IteratorGetNext",
    inputs: &["iterator: resource"],
    outputs: &["components: output_types"],
    attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1"],
    effect: Effect::Write,
    shape: shape::unknown,
    kernels: Kernels::one(build_next),
};

/// The resource: where an iterator is.
pub struct Iterator {
    state: Mutex<State>,
    /// What its rows are declared to be.
    pub components: Components,
}

/// Types and shapes of the components of rows.
#[derive(Clone)]
pub struct Components {
    /// One per component.
    pub types: Vec<DType>,
    /// One per component.
    pub shapes: Vec<PartialShape>,
}

impl Components {
    /// Those that a node declares.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it declares none.
    pub fn of(node: &Construction<'_>) -> Result<Components> {
        Ok(Components { types: node.attr("output_types")?, shapes: node.attr("output_shapes")? })
    }
}

impl Resource for Iterator {
    /// None: where a dataset's functions are can't be copied.
    fn fork(&self) -> Option<Iterator> {
        None
    }
}

enum State {
    /// It was given no dataset yet.
    Empty,
    /// The function that makes its dataset is to be called first.
    Factory(Function),
    /// It goes through a dataset.
    Started(Box<dyn Elements>),
    /// There are no more rows.
    Ended,
}

impl Iterator {
    fn next(&self, run: &Run<'_>) -> Result<Option<Row>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Factory(factory) = &*state {
            let rows = match &factory.call(run, Row::new())?[..] {
                [dataset] => Dataset::of(dataset)?.start(run)?,
                _ => {
                    return Err(Error::invalid_argument(
                        "The `dataset_factory` function must return a single dataset",
                    ));
                }
            };
            *state = State::Started(rows);
        }
        let next = match &mut *state {
            State::Started(rows) => rows.next(run)?,
            State::Ended => None,
            State::Empty | State::Factory(_) => {
                return Err(Error::failed_precondition(
                    "GetNext() failed because the iterator has not been initialized. Ensure that you have run the \
                     initializer operation for this iterator before getting the next element.",
                ));
            }
        };
        if next.is_none() {
            *state = State::Ended;
        }
        Ok(next)
    }

    fn put(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// Gives a handle to a new resource that nothing else names as the first output.
///
/// # Errors
/// None but for lack of memory.
pub fn give_handle<T: Send + Sync + 'static>(ctx: &mut Context<'_>, name: &str, resource: T) -> Result<()> {
    let handle = Handle::new("", name, Arc::new(resource));
    ctx.set(0, Tensor::from_handles(Shape::scalar(), vec![handle])?);
    Ok(())
}

/// What older programs hand back to have a resource deleted, which here is gone with its last handle.
#[derive(Debug)]
struct Deleter;

impl VariantValue for Deleter {
    fn type_name(&self) -> &'static str {
        "tensorflow::ResourceDeleter"
    }
}

/// A deleter as a tensor.
///
/// # Errors
/// None but for lack of memory.
pub fn deleter() -> Result<Tensor> {
    Tensor::from_variants(Shape::scalar(), vec![Variant::new(Deleter)])
}

/// Container and name of the resource of a node.
fn name_of(node: &Construction<'_>) -> Result<(String, String)> {
    let shared: String = node.attr("shared_name")?;
    let name = if shared.is_empty() { format!("_iterator/{}", node.name) } else { shared };
    Ok((node.attr("container")?, name))
}

fn build_named(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let ((container, name), components) = (name_of(node)?, Components::of(node)?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let empty = || Ok(Iterator { state: Mutex::new(State::Empty), components: components.clone() });
        let handle = ctx.run().resources.handle(&container, &name, empty)?;
        ctx.set(0, Tensor::from_handles(Shape::scalar(), vec![handle])?);
        Ok(())
    }))
}

fn build_one_shot(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let ((container, name), components) = (name_of(node)?, Components::of(node)?);
    let factory = node.function("dataset_factory")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let function = Function::of(&factory, ctx, 0, 0);
        let state = Mutex::new(State::Factory(function));
        let waiting = || Ok(Iterator { state, components: components.clone() });
        let handle = ctx.run().resources.handle(&container, &name, waiting)?;
        ctx.set(0, Tensor::from_handles(Shape::scalar(), vec![handle])?);
        Ok(())
    }))
}

fn build_anonymous(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let components = Components::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let iterator = Iterator { state: Mutex::new(State::Empty), components: components.clone() };
        give_handle(ctx, "AnonymousIterator", iterator)?;
        if ctx.output_len() > 1 {
            ctx.set(1, deleter()?);
        }
        Ok(())
    }))
}

fn build_make(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let rows = Dataset::of(ctx.input(0))?.start(&ctx.run())?;
        ctx.resource::<Iterator>(1)?.put(State::Started(rows));
        Ok(())
    }))
}

fn build_next(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let run = ctx.run();
        match ctx.resource::<Iterator>(0)?.next(&run)? {
            Some(row) => set_all(ctx, row),
            None => Err(Error::out_of_range("End of sequence")),
        }
    }))
}

fn build_next_optional(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let run = ctx.run();
        let next = ctx.resource::<Iterator>(0)?.next(&run)?;
        ctx.set(0, optional(next)?);
        Ok(())
    }))
}
