//! `TensorDataset`, `TensorSliceDataset` and `RangeDataset`.

use savedmodel_kernels_list::rows::row;
use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{DType, Error, Result, Tensor, bf16, f16};

use crate::dataset::{DATASET, Dataset, Row, give, scalar};

/// Datasets of one row, of the rows of tensors, and of numbers.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorSliceDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RangeDataset>
pub const OPS: &[Op] = &[
    Op {
        name: "TensorDataset",
        inputs: &["components: Toutput_types"],
        attrs: &[
            "Toutput_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(build_one),
        ..DATASET
    },
    Op {
        name: "TensorSliceDataset",
        inputs: &["components: Toutput_types"],
        attrs: &[
            "Toutput_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "is_files: bool = false",
            "metadata: string = ''",
            "replicate_on_split: bool = false",
        ],
        kernels: Kernels::one(build_slices),
        ..DATASET
    },
    Op {
        name: "RangeDataset",
        inputs: &["start: int64", "stop: int64", "step: int64"],
        attrs: &[
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "metadata: string = ''",
            "replicate_on_split: bool = false",
        ],
        kernels: Kernels::one(build_range),
        ..DATASET
    },
];

fn build_one(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let row: Row = ctx.inputs(0).cloned().collect();
        give(ctx, of_row(row))
    }))
}

/// The dataset of one row.
pub fn of_row(row: Row) -> Dataset {
    let one = Dataset::new("TensorDataset", move |_| {
        let mut row = Some(row.clone());
        Ok(Box::new(move |_: &Run<'_>| Ok(row.take())))
    });
    one.counted(1)
}

fn build_slices(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let tensors: Row = ctx.inputs(0).cloned().collect();
        let mut count = None;
        for tensor in &tensors {
            let Some(&rows) = tensor.shape().first() else {
                return Err(Error::invalid_argument("All components must be at least 1-dimensional"));
            };
            if *count.get_or_insert(rows) != rows {
                return Err(Error::invalid_argument(
                    "All components must have the same size in the 0th dimension",
                ));
            }
        }
        let count = count.unwrap_or(0);
        let slices = Dataset::new("TensorSliceDataset", move |_| {
            let (tensors, mut rows) = (tensors.clone(), 0..count);
            Ok(Box::new(move |_: &Run<'_>| {
                let next = rows.next();
                next.map(|i| tensors.iter().map(|tensor| row(tensor, i)).collect()).transpose()
            }))
        });
        give(ctx, slices.counted(count as i64))
    }))
}

fn build_range(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let number = match node.attr::<Vec<DType>>("output_types")?[..] {
        [dtype] => number_of(dtype).ok_or_else(|| node.unimplemented("output_types"))?,
        _ => return Err(node.unimplemented("output_types")),
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let start: i64 = scalar(ctx, 0, "start")?;
        let stop: i64 = scalar(ctx, 1, "stop")?;
        let step: i64 = scalar(ctx, 2, "step")?;
        if step == 0 {
            return Err(Error::invalid_argument("step must be a non-zero integer."));
        }
        let range = Dataset::new("RangeDataset", move |_| {
            let mut at = Some(start);
            Ok(Box::new(move |_: &Run<'_>| {
                let next = at.filter(|&at| if step > 0 { at < stop } else { at > stop });
                at = next.and_then(|at| at.checked_add(step));
                Ok(next.map(|value| vec![number(value)]))
            }))
        });
        let span = if step > 0 { stop.saturating_sub(start) } else { start.saturating_sub(stop) };
        let steps = span.max(0).unsigned_abs().div_ceil(step.unsigned_abs());
        give(ctx, range.counted(i64::try_from(steps).unwrap_or(i64::MAX)))
    }))
}

/// Makes a scalar of a dtype from a number.
fn number_of(dtype: DType) -> Option<fn(i64) -> Tensor> {
    Some(match dtype {
        DType::Int64 => |v| Tensor::scalar(v),
        DType::Int32 => |v| Tensor::scalar(v as i32),
        DType::Int16 => |v| Tensor::scalar(v as i16),
        DType::Int8 => |v| Tensor::scalar(v as i8),
        DType::Uint64 => |v| Tensor::scalar(v as u64),
        DType::Uint32 => |v| Tensor::scalar(v as u32),
        DType::Uint16 => |v| Tensor::scalar(v as u16),
        DType::Uint8 => |v| Tensor::scalar(v as u8),
        DType::Float => |v| Tensor::scalar(v as f32),
        DType::Double => |v| Tensor::scalar(v as f64),
        DType::Half => |v| Tensor::scalar(f16::from_f32(v as f32)),
        DType::Bfloat16 => |v| Tensor::scalar(bf16::from_f32(v as f32)),
        _ => return None,
    })
}
