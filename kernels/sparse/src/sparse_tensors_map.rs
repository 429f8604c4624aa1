//! `AddSparseToTensorsMap`, `AddManySparseToTensorsMap` and `TakeManySparseFromTensorsMap`.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use savedmodel_op::{
    Construction, Context, Effect, Kernel, Kernels, Op, Resource, ShapeContext, dtypes, shape,
};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::coo::{Coo, zeros};
use crate::minibatch::{Minibatch, Part, stack};
use crate::serialize_sparse::{check_ranks, checked};

/// Put sparse tensors, or the rows of one, into a map of the session, and take them out by their numbers.
///
/// A map is shared by container and `shared_name`; those that put use the node's name where that is empty.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AddSparseToTensorsMap>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AddManySparseToTensorsMap>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TakeManySparseFromTensorsMap>
pub const OPS: &[Op] = &[
    Op {
        name: "AddSparseToTensorsMap",
        inputs: &["sparse_indices: int64", "sparse_values: T", "sparse_shape: int64"],
        outputs: &["sparse_handle: int64"],
        attrs: &["T: type", "container: string = ''", "shared_name: string = ''"],
        effect: Effect::Write,
        shape: shape::scalar,
        kernels: Kernels::one(build_add),
    },
    Op {
        name: "AddManySparseToTensorsMap",
        inputs: &["sparse_indices: int64", "sparse_values: T", "sparse_shape: int64"],
        outputs: &["sparse_handles: int64"],
        attrs: &["T: type", "container: string = ''", "shared_name: string = ''"],
        effect: Effect::Write,
        shape: |ctx: &ShapeContext<'_>| Ok(vec![PartialShape::new([crate::shapes::value(ctx, 2).dim(0)])]),
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build_many),
    },
    Op {
        name: "TakeManySparseFromTensorsMap",
        inputs: &["sparse_handles: int64"],
        outputs: &["sparse_indices: int64", "sparse_values: dtype", "sparse_shape: int64"],
        attrs: &["dtype: type", "container: string = ''", "shared_name: string = ''"],
        effect: Effect::Write,
        shape: |_: &ShapeContext<'_>| {
            Ok(vec![PartialShape::of_rank(2), PartialShape::of_rank(1), PartialShape::of_rank(1)])
        },
        kernels: Kernels::All(&[("dtype", dtypes::POD_AND_POINTERS)], build_take),
    },
];

/// The sparse tensors that are in a map, by number.
#[derive(Default)]
struct SparseTensorsMap(Mutex<State>);

#[derive(Clone, Default)]
struct State {
    next: i64,
    parts: FxHashMap<i64, Part>,
}

impl SparseTensorsMap {
    /// Puts sparse tensors in and gives their numbers.
    fn add(&self, parts: Vec<Part>) -> Result<Vec<i64>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .parts
            .try_reserve(parts.len())
            .map_err(|_| Error::resource_exhausted("OOM when adding to a map of sparse tensors"))?;
        let first = state.next;
        state.next += parts.len() as i64;
        let numbers: Vec<i64> = (first..state.next).collect();
        state.parts.extend(numbers.iter().copied().zip(parts));
        Ok(numbers)
    }

    /// Takes sparse tensors out; those before one that is not there are gone.
    fn take(&self, numbers: &[i64], name: &str) -> Result<Vec<Part>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut take = |number: &i64| {
            state.parts.remove(number).ok_or_else(|| {
                Error::invalid_argument(format!("Unable to find SparseTensor: {number} in map: {name}"))
            })
        };
        numbers.iter().map(&mut take).collect()
    }
}

impl Resource for SparseTensorsMap {
    fn fork(&self) -> Option<SparseTensorsMap> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(SparseTensorsMap(Mutex::new(state.clone())))
    }
}

/// How the session knows the map of a node.
struct Key {
    container: String,
    name: String,
}

impl Key {
    fn of(node: &Construction<'_>) -> Result<Key> {
        let shared: String = node.attr("shared_name")?;
        let name = if shared.is_empty() { node.name.to_owned() } else { shared };
        Ok(Key { container: node.attr("container")?, name })
    }

    fn map(&self, ctx: &Context<'_>) -> Result<Arc<SparseTensorsMap>> {
        let make = || Ok(SparseTensorsMap::default());
        ctx.run().resources.get_or_create(&self.container, &self.name, make)
    }
}

fn build_add(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let key = Key::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_ranks(ctx)?;
        let coo = Coo::of(ctx, 0)?;
        coo.shape()?;
        let part =
            Part { indices: ctx.input(0).clone(), values: ctx.input(1).clone(), sizes: coo.sizes.to_vec() };
        let numbers = key.map(ctx)?.add(vec![part])?;
        ctx.set(0, Tensor::scalar(numbers[0]));
        Ok(())
    }))
}

fn build_many(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let key = Key::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let coo = checked(ctx)?;
        let rows = coo.sizes[0] as usize;
        let mut handles = ctx.allocate(DType::Int64, [rows])?;
        let batch = Minibatch::new(&coo);
        // Rows with values have the first numbers, as in TensorFlow.
        let mut order: Vec<usize> = zeros(rows, &ctx.run())?;
        order.iter_mut().enumerate().for_each(|(row, place)| *place = row);
        order.sort_by_key(|&row| batch.is_empty(row));
        let part = |row: &usize| {
            let (indices, values) = batch.row(*row, &ctx.run())?;
            Ok(Part { indices, values, sizes: coo.sizes[1..].to_vec() })
        };
        let parts = order.iter().map(part).collect::<Result<_>>()?;
        let numbers = key.map(ctx)?.add(parts)?;
        let places = handles.as_mut_slice::<i64>()?;
        order.iter().zip(numbers).for_each(|(&row, number)| places[row] = number);
        ctx.set(0, handles);
        Ok(())
    }))
}

fn build_take(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    let key = Key::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let handles = ctx.input(0);
        if handles.rank() != 1 {
            return Err(Error::invalid_argument(format!(
                "sparse_handles should be a vector but received shape {}",
                handles.shape()
            )));
        }
        if handles.elements() == 0 {
            return Err(Error::invalid_argument(
                "Must have at least 1 serialized SparseTensor, but input matrix has 0 rows",
            ));
        }
        let parts = key.map(ctx)?.take(handles.as_slice()?, &key.name)?;
        let outputs = stack(&parts, &[parts.len()], dtype, &ctx.run())?;
        outputs.into_iter().enumerate().for_each(|(i, tensor)| ctx.set(i, tensor));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};

    #[test]
    fn in_and_out() {
        let resources = ResourceManager::new();
        let call = |op: usize, inputs: &str| {
            let test = OpTest::new(&OPS[op]).resources(&resources).attr("shared_name", "m");
            let test = if op == 2 { test.attr("dtype", DType::Int8) } else { test };
            show(&inputs.split(';').fold(test, |test, text| test.input(parse_tensor(text.trim()))).run())
        };
        let sparse = "int64[2,2] 1 0 1 3; int8[2] 5 6; int64[2] 3 4";
        assert_eq!(call(0, sparse), "int64[] 0");
        assert_eq!(call(1, sparse), "int64[3] 2 1 3");
        assert_eq!(call(2, "int64[2] 2 1"), "int64[2,2] 1 0 1 3; int8[2] 5 6; int64[2] 2 4");
        let mixed =
            "INVALID_ARGUMENT: Inconsistent shape across SparseTensors: rank prior to SparseTensor[1]";
        assert!(call(2, "int64[2] 3 0").starts_with(mixed));
        assert_eq!(call(2, "int64[1] 0"), "INVALID_ARGUMENT: Unable to find SparseTensor: 0 in map: m");
        assert!(call(2, "int64[0]").starts_with("INVALID_ARGUMENT: Must have at least 1"));
        assert!(call(2, "int64[] 0").starts_with("INVALID_ARGUMENT: sparse_handles should be a vector"));
        assert!(call(1, "int64[1,1] 0; int8[1] 5; int64[1] 3").contains("should be > 1, but saw rank: 1"));
        let huge = "int64[1,2] 0 0; int8[1] 5; int64[2] 4611686018427387904 4";
        assert!(call(1, huge).contains("overflow") || call(1, huge).contains("would have more than"));
        assert!(call(0, "int64[1,1] 0; int8[1] 5; int64[1] -3").contains("non-negative, got -3"));
    }
}
