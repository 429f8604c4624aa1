//! `PaddedBatchDataset` and `PaddedBatchDatasetV2`.

use savedmodel_kernels_list::rows::paste;
use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{Code, Error, Result, Shape, Tensor, Unit, by_unit};

use crate::batch::{batches, collect, size};
use crate::dataset::{DATASET, Dataset, Row, give, scalar};

/// Datasets of several rows in one, each padded to a shape or to the largest of them.
///
/// TensorFlow 2.21 has the first version's kernel, but can't make iterators of its datasets, hence no cases.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/PaddedBatchDatasetV2>
pub const OPS: &[Op] = &[
    Op {
        name: "PaddedBatchDataset",
        inputs: &[
            "input_dataset: variant",
            "batch_size: int64",
            "padded_shapes: N * int64",
            "padding_values: Toutput_types",
        ],
        attrs: &[
            "Toutput_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "N: int >= 1",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|node| build(node, false)),
        ..DATASET
    },
    Op {
        name: "PaddedBatchDatasetV2",
        inputs: &[
            "input_dataset: variant",
            "batch_size: int64",
            "padded_shapes: N * int64",
            "padding_values: Toutput_types",
            "drop_remainder: bool",
        ],
        attrs: &[
            "parallel_copy: bool = false",
            "Toutput_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "N: int >= 1",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|node| build(node, true)),
        ..DATASET
    },
];

/// What a component is padded with, and to which shape; -1 stands for the largest size of a batch.
#[derive(Clone)]
struct Padding {
    shape: Vec<i64>,
    value: Tensor,
}

fn build(node: &Construction<'_>, may_drop: bool) -> Result<Box<dyn Kernel>> {
    let count: usize = node.attr("N")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let size = size(ctx, 1)?;
        let drop = may_drop && scalar(ctx, ctx.input_len() - 1, "drop_remainder")?;
        let mut paddings = Vec::with_capacity(count);
        for i in 0..count {
            let (shape, value) = (ctx.input(2 + i), ctx.input(2 + count + i));
            if shape.rank() != 1 {
                return Err(Error::invalid_argument("All padded shapes must be vectors"));
            }
            if value.rank() != 0 {
                return Err(Error::invalid_argument("All padding values must be scalars"));
            }
            paddings.push(Padding { shape: shape.to_i64s()?, value: value.clone() });
        }
        let count = batches(&input, size, drop);
        let padded = Dataset::new("PaddedBatchDataset", move |run| {
            let (mut rows, paddings) = (input.start(run)?, paddings.clone());
            Ok(Box::new(move |run: &Run<'_>| {
                let batch = collect(&mut *rows, run, size, drop)?;
                batch.map(|batch| joined(&batch, &paddings, run)).transpose()
            }))
        });
        give(ctx, padded.counted(count))
    }))
}

fn joined(batch: &[Row], paddings: &[Padding], run: &Run<'_>) -> Result<Row> {
    let component = |(i, padding): (usize, &Padding)| {
        let parts = batch.iter().map(|row| row.get(i)).collect::<Option<Vec<_>>>();
        let parts =
            parts.ok_or_else(|| Error::invalid_argument("there are more padded shapes than components"))?;
        let shape = shape(&parts, padding, i)?;
        let mut out = run.allocate(parts[0].dtype(), shape)?;
        by_unit!(out.dtype(), U => fill::<U>(&parts, &padding.value, &mut out))?;
        Ok(out)
    };
    paddings.iter().enumerate().map(component).collect()
}

/// The shape of a component of a batch.
fn shape(parts: &[&Tensor], padding: &Padding, component: usize) -> Result<Shape> {
    let rank = padding.shape.len();
    let mut sizes = Vec::with_capacity(rank + 1);
    sizes.push(parts.len());
    for part in parts {
        if part.rank() != rank {
            return Err(Error::invalid_argument(format!(
                "All elements in a batch must have the same rank as the padded shape for component{component}: expected \
                 rank {rank} but got element with rank {}",
                part.rank()
            )));
        }
    }
    for (axis, &size) in padding.shape.iter().enumerate() {
        let largest = parts.iter().map(|part| part.shape()[axis]).max().unwrap_or(0);
        let size = if size == -1 { Ok(largest) } else { usize::try_from(size) };
        match size {
            Ok(size) if size >= largest => sizes.push(size),
            _ => {
                return Err(Error::new(
                    Code::DataLoss,
                    format!(
                        "Attempted to pad to a smaller size than the input element: {} for {largest}",
                        padding.shape[axis]
                    ),
                ));
            }
        }
    }
    Ok(Shape::from(sizes))
}

fn fill<U: Unit>(parts: &[&Tensor], value: &Tensor, out: &mut Tensor) -> Result<()> {
    let value = value.units::<U>()?[0].clone();
    out.units_mut::<U>()?.fill(value);
    parts.iter().enumerate().try_for_each(|(at, part)| paste::<U>(part, out, at))
}
