//! `DenseToSparseBatchDataset` and `SparseTensorSliceDataset`.

use savedmodel_kernels_sparse::TensorVariant;
use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{Error, Result, Shape, Tensor, Unit, Variant, by_unit};

use crate::batch::{batches, collect, size};
use crate::dataset::{DATASET, Dataset, Row, give};

/// Datasets of sparse tensors: of batches of rows of different sizes, and of the rows of one.
///
/// A batch is one component, which holds the three parts; a row is three components.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DenseToSparseBatchDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseTensorSliceDataset>
pub const OPS: &[Op] = &[
    Op {
        name: "DenseToSparseBatchDataset",
        inputs: &["input_dataset: variant", "batch_size: int64", "row_shape: int64"],
        attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1"],
        kernels: Kernels::one(|_| Ok(Box::new(batch))),
        ..DATASET
    },
    Op {
        name: "SparseTensorSliceDataset",
        inputs: &["indices: int64", "values: Tvalues", "dense_shape: int64"],
        attrs: &["Tvalues: type"],
        kernels: Kernels::one(build_slices),
        ..DATASET
    },
];

fn batch(ctx: &mut Context<'_>) -> Result<()> {
    let (input, size) = (Dataset::of(ctx.input(0))?, size(ctx, 1)?);
    if ctx.input(2).rank() != 1 {
        return Err(Error::invalid_argument("row_shape must be a vector"));
    }
    let wanted = ctx.input(2).to_i64s()?;
    if let Some(size) = wanted.iter().find(|&&size| size < -1) {
        return Err(Error::invalid_argument(format!("Dimension {size} must be >= -1")));
    }
    let count = batches(&input, size, false);
    let batched = Dataset::new("DenseToSparseBatchDataset", move |run| {
        let (mut rows, wanted) = (input.start(run)?, wanted.clone());
        Ok(Box::new(move |run: &Run<'_>| {
            let batch = collect(&mut *rows, run, size, false)?;
            batch.map(|batch| sparse(&batch, &wanted, run).map(|sparse| vec![sparse])).transpose()
        }))
    });
    give(ctx, batched.counted(count))
}

/// Rows of one component as a sparse tensor.
fn sparse(batch: &[Row], wanted: &[i64], run: &Run<'_>) -> Result<Tensor> {
    let mut shape = vec![batch.len() as i64];
    shape.extend(wanted.iter().map(|&size| size.max(0)));
    let (mut indices, mut parts) = (Vec::new(), Vec::new());
    for (index, row) in batch.iter().enumerate() {
        let [row] = &row[..] else {
            return Err(Error::invalid_argument(
                "DenseToSparseBatchDataset only supports inputs with a single component.",
            ));
        };
        if row.rank() != wanted.len() {
            return Err(Error::invalid_argument(format!(
                "Input element had shape ({}) that is incompatible with the row shape ({wanted:?}).",
                row.shape()
            )));
        }
        for (axis, &size) in row.shape().iter().enumerate() {
            let size = size as i64;
            if wanted[axis] == -1 {
                shape[1 + axis] = shape[1 + axis].max(size);
            } else if size > wanted[axis] {
                return Err(Error::data_loss(format!(
                    "Input element had shape ({}) that is larger than the row shape ({wanted:?}).",
                    row.shape()
                )));
            }
        }
        for element in 0..row.elements() {
            let mut rest = element;
            let mut place = vec![0; wanted.len() + 1];
            for (axis, &size) in row.shape().iter().enumerate().rev() {
                place[1 + axis] = (rest % size) as i64;
                rest /= size;
            }
            place[0] = index as i64;
            indices.extend(place);
        }
        parts.push(row);
    }
    let count = parts.iter().map(|part| part.elements()).sum::<usize>();
    let mut values = run.allocate(parts[0].dtype(), [count])?;
    by_unit!(values.dtype(), U => join::<U>(&parts, &mut values))?;
    let rank = shape.len();
    let all = [Tensor::from_vec([count, rank], indices)?, values, Tensor::from_vec([rank], shape)?];
    Tensor::from_variants([3], all.map(|tensor| Variant::new(TensorVariant(tensor))).into())
}

fn join<U: Unit>(parts: &[&Tensor], out: &mut Tensor) -> Result<()> {
    let mut out: &mut [U] = out.units_mut::<U>()?;
    for part in parts {
        let (to, rest) = out.split_at_mut(part.elements());
        to.clone_from_slice(part.units::<U>()?);
        out = rest;
    }
    Ok(())
}

fn build_slices(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let [indices, values, shape] = [0, 1, 2].map(|i| ctx.input(i).clone());
        let refuse = |text: String| Err(Error::invalid_argument(text));
        if indices.rank() != 2 {
            return refuse(format!("Input indices must be a matrix. Got: {}", indices.shape()));
        }
        if values.rank() != 1 || values.elements() != indices.shape()[0] {
            return refuse(format!(
                "Input values must be a vector of as many elements as indices. Got: {}",
                values.shape()
            ));
        }
        let sizes = shape.to_i64s()?;
        if shape.rank() != 1 || sizes.is_empty() || sizes.len() != indices.shape()[1] {
            return refuse(format!(
                "Input shape must be a vector of the rank of the indices. Got: {}",
                shape.shape()
            ));
        }
        let places = indices.to_i64s()?;
        let mut last = 0;
        for place in places.chunks_exact(sizes.len()) {
            if place[0] >= sizes[0] {
                return refuse(format!("index {} lies outside of {} rows", place[0], sizes[0]));
            }
            if place[0] < last {
                return Err(Error::unimplemented(
                    "The SparseTensor must be ordered in the batch dimension; handling arbitrarily ordered input is not \
                     currently supported.",
                ));
            }
            last = place[0];
        }
        let (count, rank) = (sizes[0], sizes.len());
        let slices = Dataset::new("SparseTensorSliceDataset", move |_| {
            let (places, values, sizes) = (places.clone(), values.clone(), sizes.clone());
            let (mut row, mut at) = (0, 0);
            Ok(Box::new(move |_: &Run<'_>| {
                if row >= count {
                    return Ok(None);
                }
                let here = places[at * rank..].chunks_exact(rank).take_while(|place| place[0] == row);
                let indices: Vec<i64> = here.clone().flat_map(|place| place[1..].iter().copied()).collect();
                let end = at + here.count();
                let indices = Tensor::from_vec(Shape::from([end - at, rank - 1]), indices)?;
                let part = values.rows(at, end)?;
                (row, at) = (row + 1, end);
                Ok(Some(vec![indices, part, Tensor::from_vec([rank - 1], sizes[1..].to_vec())?]))
            }))
        });
        give(ctx, slices.counted(count.max(0)))
    }))
}
