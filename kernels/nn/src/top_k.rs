//! See [`OPS`].

use std::cmp::Ordering;

use savedmodel_math::{order, par};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor, bf16, f16};

use crate::rank::{Places, Ranked};

/// The largest elements of the last dimension, in descending order, and where they lie.
///
/// Of equal elements the first comes first. Unless `sorted`, fewer than all come in the order in which TensorFlow's heap
/// leaves them. NaN, which has no place in the order, ends where TensorFlow's algorithms leave it.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TopKV2>
pub const OPS: &[Op] = &[
    Op {
        name: "TopK",
        inputs: &["input: T"],
        outputs: &["values: T", "indices: int32"],
        attrs: &["k: int >= 0", "sorted: bool = true", T],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    },
    Op {
        name: "TopKV2",
        inputs: &["input: T", "k: Tk"],
        outputs: &["values: T", "indices: index_type"],
        attrs: &[
            "sorted: bool = true",
            T,
            "Tk: {int16, int32, int64} = DT_INT32",
            "index_type: {int16, int32, int64} = DT_INT32",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    },
];

const T: &str =
    "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}";

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let Some(dims) = input.dims() else { return Ok(vec![input; 2]) };
    let Some((_, outer)) = dims.split_last() else { return Err(scalar_input()) };
    let k = match ctx.integers(1).as_deref() {
        Some(&[k]) => Some(k),
        Some(_) => None,
        None => ctx.attr::<i64>("k"),
    };
    let k = k.map(|k| usize::try_from(k).map_err(|_| negative(k))).transpose()?;
    Ok(vec![PartialShape::new(outer.iter().copied().chain([k])); 2])
}

fn negative(k: i64) -> Error {
    Error::invalid_argument(format!("Need k >= 0, got {k}"))
}

/// What is wrong with a scalar.
pub fn scalar_input() -> Error {
    Error::invalid_argument("input must be >= 1-D, got shape []")
}

fn build<T: Ranked>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let sorted = node.attr::<bool>("sorted")?;
    let fixed: Option<i64> = if node.op() == "TopK" { Some(node.attr("k")?) } else { None };
    let index_type = node.outputs.get(1).copied().unwrap_or(DType::Int32);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let k = match fixed {
            Some(k) => k,
            None => count(ctx.input(1))?,
        };
        let k = usize::try_from(k).map_err(|_| negative(k))?;
        let input = ctx.input(0);
        let Some((&columns, outer)) = input.shape().dims().split_last() else { return Err(scalar_input()) };
        if columns < k {
            return Err(Error::invalid_argument(format!(
                "input must have at least k columns. Had {columns}, needed {k}"
            )));
        }
        let shape: Vec<usize> = outer.iter().copied().chain([k]).collect();
        let mut values = ctx.allocate(T::DTYPE, shape.clone())?;
        let mut indices = ctx.allocate(DType::Int32, shape)?;
        rows(input.as_slice::<T>()?, columns, sorted, values.as_mut_slice()?, indices.as_mut_slice()?, k);
        let indices = convert(indices, index_type)?;
        ctx.set(0, values);
        ctx.set(1, indices);
        Ok(())
    }))
}

fn count(k: &Tensor) -> Result<i64> {
    if k.rank() != 0 {
        return Err(Error::invalid_argument(format!("k must be scalar, got shape {}", k.shape())));
    }
    // TensorFlow counts with 32 bits.
    Ok(i64::from(k.to_i64s()?[0] as i32))
}

fn convert(indices: Tensor, dtype: DType) -> Result<Tensor> {
    let values = indices.as_slice::<i32>()?;
    match dtype {
        DType::Int16 => Tensor::from_vec(indices.shape(), values.iter().map(|&i| i as i16).collect()),
        DType::Int64 => Tensor::from_vec(indices.shape(), values.iter().map(|&i| i64::from(i)).collect()),
        _ => Ok(indices),
    }
}

/// Writes the `k` largest elements of each row of `columns`, and their positions.
pub fn rows<T: Ranked>(
    input: &[T],
    columns: usize,
    sorted: bool,
    values: &mut [T],
    indices: &mut [i32],
    k: usize,
) {
    if k == 0 {
        return;
    }
    let grain = (par::grain(2.0) / columns).max(1) * k;
    par::for_chunks_mut2(values, indices, grain, |start, values, indices| {
        let outputs = values.chunks_exact_mut(k).zip(indices.chunks_exact_mut(k));
        for (row, (values, indices)) in (start / k..).zip(outputs) {
            let input = &input[row * columns..(row + 1) * columns];
            select(input, sorted, indices);
            for (value, &index) in values.iter_mut().zip(&*indices) {
                *value = input[index as usize];
            }
        }
    });
}

/// Writes the positions of the largest elements.
fn select<T: Ranked>(input: &[T], sorted: bool, indices: &mut [i32]) {
    if let [index] = indices {
        *index = largest(input);
    } else if indices.len() == input.len() {
        sort(input, indices);
    } else {
        let above = |&a: &i32, &b: &i32| {
            let (x, y) = (input[a as usize], input[b as usize]);
            y < x || y.partial_cmp(&x) != Some(Ordering::Greater) && a < b
        };
        let kept = order::top(indices.len(), 0..input.len() as i32, above, sorted);
        indices.copy_from_slice(&kept);
    }
}

/// The first position of the maximum, without NaN unless there is nothing else.
fn largest<T: PartialOrd + Copy>(input: &[T]) -> i32 {
    let is_number = |x: &T| x.partial_cmp(x).is_some();
    let first = input.iter().position(is_number).unwrap_or(0);
    let better = |best: usize, (i, x): (usize, &T)| if *x > input[best] { i } else { best };
    input.iter().enumerate().fold(first, better) as i32
}

/// All positions, the largest first, equal ones in order.
fn sort<T: Ranked>(input: &[T], indices: &mut [i32]) {
    if input.iter().all(|x| x.partial_cmp(x).is_some()) {
        return Places::of(input, true).sort(indices);
    }
    (0..).zip(&mut *indices).for_each(|(i, index)| *index = i);
    let at = |i: &i32| input[*i as usize];
    order::sort(indices, |a, b| at(b) < at(a));
    for run in indices.chunk_by_mut(|a, b| at(a) == at(b)) {
        run.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("TopKV2", "", "float[3] NaN 1 5; int32[] 1", "float[1] 5; int32[1] 2"),
                ("TopKV2", "", "float[3] NaN 1 5; int32[] 2", "float[2] NaN 5; int32[2] 0 2"),
                ("TopKV2", "", "float[3] NaN 1 5; int32[] 3", "float[3] NaN 5 1; int32[3] 0 2 1"),
                ("TopKV2", "", "float[3] 1 NaN 5; int32[] 1", "float[1] 5; int32[1] 2"),
                ("TopKV2", "", "float[3] 1 NaN 5; int32[] 2", "float[2] NaN 5; int32[2] 1 2"),
                ("TopKV2", "", "float[3] 1 NaN 5; int32[] 3", "float[3] 5 1 NaN; int32[3] 2 0 1"),
                ("TopKV2", "", "float[3] 5 NaN 1; int32[] 2", "float[2] 5 NaN; int32[2] 0 1"),
                ("TopKV2", "", "float[3] 5 NaN 1; int32[] 3", "float[3] 5 NaN 1; int32[3] 0 1 2"),
                ("TopKV2", "", "float[3] 5 1 NaN; int32[] 1", "float[1] 5; int32[1] 0"),
                ("TopKV2", "", "float[3] 5 1 NaN; int32[] 2", "float[2] 5 1; int32[2] 0 1"),
                ("TopKV2", "", "float[3] 5 1 NaN; int32[] 3", "float[3] 5 1 NaN; int32[3] 0 1 2"),
                ("TopKV2", "", "float[3] NaN NaN 1; int32[] 1", "float[1] 1; int32[1] 2"),
                ("TopKV2", "", "float[3] NaN NaN 1; int32[] 2", "float[2] NaN NaN; int32[2] 0 1"),
                ("TopKV2", "", "float[3] NaN NaN 1; int32[] 3", "float[3] NaN NaN 1; int32[3] 0 1 2"),
                (
                    "TopKV2",
                    "",
                    "float[12] 1 NaN NaN 7 NaN 3 2 9 NaN 4 NaN 6; int32[] 1",
                    "float[1] 9; int32[1] 7",
                ),
                (
                    "TopKV2",
                    "",
                    "float[12] 1 NaN NaN 7 NaN 3 2 9 NaN 4 NaN 6; int32[] 2",
                    "float[2] 1 NaN; int32[2] 0 1",
                ),
                (
                    "TopKV2",
                    "",
                    "float[12] 1 NaN NaN 7 NaN 3 2 9 NaN 4 NaN 6; int32[] 12",
                    "float[12] 9 7 1 NaN NaN NaN 3 2 NaN 4 NaN 6; int32[12] 7 3 0 1 2 4 5 6 8 9 10 11",
                ),
                (
                    "TopKV2",
                    "",
                    "float[20] 1 NaN 3 2 NaN 9 4 5 6 7 8 9 1 2 3 NaN 10 1 2 3; int32[] 1",
                    "float[1] 10; int32[1] 16",
                ),
                (
                    "TopKV2",
                    "",
                    "double[20] 1 NaN 3 2 NaN 9 4 5 6 7 8 9 1 2 3 NaN 10 1 2 3; int32[] 1",
                    "double[1] 10; int32[1] 16",
                ),
                (
                    "TopKV2",
                    "",
                    "float[20] NaN 1 3 2 NaN 9 4 5 6 7 8 9 1 2 3 NaN 10 1 2 3; int32[] 1",
                    "float[1] 10; int32[1] 16",
                ),
                (
                    "TopKV2",
                    "",
                    "float[20] 1 NaN 3 2 NaN 9 4 5 6 7 8 9 1 2 3 NaN 10 1 2 3; int32[] 3",
                    "float[3] NaN 10 9; int32[3] 1 16 5",
                ),
                (
                    "TopKV2",
                    "sorted=false",
                    "int32[12] 3 1 4 1 5 9 2 6 5 3 5 8; int32[] 5",
                    "int32[5] 5 5 6 9 8; int32[5] 8 4 7 5 11",
                ),
                (
                    "TopKV2",
                    "sorted=false",
                    "int32[12] 3 1 4 1 5 9 2 6 5 3 5 8; int32[] 12",
                    "int32[12] 9 8 6 5 5 5 4 3 3 2 1 1; int32[12] 5 11 7 4 8 10 2 0 9 6 1 3",
                ),
                (
                    "TopKV2",
                    "sorted=false",
                    "int32[20] 3 10 4 11 5 12 6 0 7 1 8 2 9 3 10 4 11 5 12 6; int32[] 7",
                    "int32[7] 9 10 10 11 11 12 12; int32[7] 12 1 14 16 3 5 18",
                ),
                ("TopKV2", "", "int32[2,3] 1 2 3 4 5 6; int32[] 0", "int32[2,0]; int32[2,0]"),
                ("TopKV2", "", "int32[0,3]; int32[] 2", "int32[0,2]; int32[0,2]"),
                ("TopKV2", "", "float[2,1] 1 2; int32[] 1", "float[2,1] 1 2; int32[2,1] 0 0"),
                (
                    "TopKV2",
                    "",
                    "half[2,2,2] 1 2 4 3 5 6 8 8; int32[] 1",
                    "half[2,2,1] 2 4 6 8; int32[2,2,1] 1 0 1 0",
                ),
                (
                    "TopKV2",
                    "",
                    "uint64[1,3] 1 18446744073709551615 5; int32[] 2",
                    "uint64[1,2] 18446744073709551615 5; int32[1,2] 1 2",
                ),
                ("TopKV2", "", "bfloat16[4] 1 2 2 1; int32[] 3", "bfloat16[3] 2 2 1; int32[3] 1 2 0"),
                ("TopKV2", "", "float[4] 1 2 2 1; int32[] 4", "float[4] 2 2 1 1; int32[4] 1 2 0 3"),
                ("TopKV2", "", "float[1,0]; int32[] 0", "float[1,0]; int32[1,0]"),
                ("TopKV2", "index_type=int64", "float[3] 1 3 2; int64[] 2", "float[2] 3 2; int64[2] 1 2"),
                ("TopKV2", "index_type=int16", "float[3] 1 3 2; int16[] 2", "float[2] 3 2; int16[2] 1 2"),
                (
                    "TopKV2",
                    "",
                    "float[3] 1 2 3; int32[] 4",
                    "INVALID_ARGUMENT: input must have at least k columns. Had 3, needed 4",
                ),
                ("TopKV2", "", "float[3] 1 2 3; int32[] -1", "INVALID_ARGUMENT: Need k >= 0, got -1"),
                (
                    "TopKV2",
                    "",
                    "float[] 1; int32[] 1",
                    "INVALID_ARGUMENT: input must be >= 1-D, got shape []",
                ),
                ("TopKV2", "", "float[1] 1; int32[1] 1", "INVALID_ARGUMENT: k must be scalar, got shape [1]"),
                ("TopK", "k=2", "float[3] 1 3 2", "float[2] 3 2; int32[2] 1 2"),
                (
                    "TopKV2",
                    "",
                    "float[20] 1 NaN 3 2 NaN 9 4 5 6 7 8 9 1 2 3 NaN 10 1 2 3; int32[] 20",
                    "float[20] 10 3 NaN 9 9 8 7 6 5 4 3 NaN 3 2 2 1 NaN 2 1 1; int32[20] 16 19 15 5 11 10 9 8 7 6 14 4 2 3 13 12 1 18 0 17",
                ),
            ],
        );
    }
}
