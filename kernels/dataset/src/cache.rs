//! `CacheDataset` and `CacheDatasetV2`, and the resources of the second.

use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::dataset::{DATASET, Dataset, Elements, Row, give};
use crate::iterator::{deleter, give_handle};

/// Datasets that remember their rows once they were all gone through; in memory alone.
///
/// `DeleteMemoryCache` has nothing to do here, and can't delete what its handle owns in TensorFlow 2.21, hence no cases.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CacheDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CacheDatasetV2>
pub const OPS: &[Op] = &[
    Op {
        name: "CacheDataset",
        inputs: &["input_dataset: variant", "filename: string"],
        kernels: Kernels::one(build),
        ..DATASET
    },
    Op {
        name: "CacheDatasetV2",
        inputs: &["input_dataset: variant", "filename: string", "cache: resource"],
        kernels: Kernels::one(build),
        ..DATASET
    },
    Op {
        name: "AnonymousMemoryCache",
        inputs: &[],
        outputs: &["handle: resource", "deleter: variant"],
        attrs: &[],
        effect: Effect::Random,
        shape: shape::scalar,
        kernels: Kernels::one(build_memory),
    },
    Op {
        name: "DummyMemoryCache",
        inputs: &[],
        outputs: &["handle: resource"],
        attrs: &[],
        effect: Effect::Random,
        shape: shape::scalar,
        kernels: Kernels::one(build_memory),
    },
    Op {
        name: "DeleteMemoryCache",
        inputs: &["handle: resource", "deleter: variant"],
        outputs: &[],
        attrs: &[],
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::one(|_| Ok(Box::new(|_: &mut Context<'_>| Ok(())))),
    },
];

/// Rows that were all gone through.
#[derive(Default)]
struct Memory(Mutex<Option<Arc<Vec<Row>>>>);

impl Memory {
    fn rows(&self) -> Option<Arc<Vec<Row>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, rows: Vec<Row>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| Arc::new(rows));
    }
}

fn build_memory(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        give_handle(ctx, "MemoryCache", Memory::default())?;
        if ctx.output_len() > 1 {
            ctx.set(1, deleter()?);
        }
        Ok(())
    }))
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        if !filename(ctx.input(1))?.is_empty() {
            return Err(Error::unimplemented("a dataset can't be cached in a file"));
        }
        let memory: Arc<Memory> = match ctx.input_len() {
            3 => ctx.input(2).handles()?.first().and_then(|handle| handle.get_arc()).unwrap_or_default(),
            _ => Arc::default(),
        };
        let count = input.count();
        let cached = Dataset::new("CacheDataset", move |run| match memory.rows() {
            Some(rows) => {
                let mut at = 0;
                Ok(Box::new(move |_: &Run<'_>| {
                    at += 1;
                    Ok(rows.get(at - 1).cloned())
                }) as Box<dyn Elements>)
            }
            None => {
                let (mut rows, mut seen, memory) = (input.start(run)?, Vec::new(), Arc::clone(&memory));
                Ok(Box::new(move |run: &Run<'_>| {
                    let next = rows.next(run)?;
                    match &next {
                        Some(row) => seen.push(row.clone()),
                        None => memory.keep(std::mem::take(&mut seen)),
                    }
                    Ok(next)
                }))
            }
        });
        give(ctx, cached.counted(count))
    }))
}

fn filename(tensor: &Tensor) -> Result<&[u8]> {
    match tensor.strings()? {
        [name] => Ok(name),
        _ => Err(Error::invalid_argument("filename must be a scalar")),
    }
}
