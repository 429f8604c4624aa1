//! `SparseReduceSum`, `SparseReduceMax` and their forms that give a sparse tensor.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result, Shape, Tensor, bf16, f16};

use crate::coo::{Coo, matrix, to_shape, vector};
use crate::number::{Number, Real};

/// Sums or maxima of the values of a sparse tensor along some dimensions.
///
/// Where there are no values the dense result is zero, and the sparse one has no value. Values that are reduced together
/// are added in the order of their indices.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseReduceSum>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseReduceSumSparse>
pub const OPS: &[Op] = &[
    reduce("SparseReduceSum", DENSE, NUMBERS, SUMS),
    reduce("SparseReduceSumSparse", SPARSE, NUMBERS, SUMS),
    reduce("SparseReduceMax", DENSE, REALS, MAXIMA),
    reduce("SparseReduceMaxSparse", SPARSE, REALS, MAXIMA),
];

const DENSE: &[&str] = &["output: T"];
const SPARSE: &[&str] = &["output_indices: int64", "output_values: T", "output_shape: int64"];
const NUMBERS: &[&str] = &["keep_dims: bool = false", "T: numbertype"];
const REALS: &[&str] = &["keep_dims: bool = false", "T: realnumbertype"];
const SUMS: Kernels =
    by_dtype!("T"; build_sum: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64);
const MAXIMA: Kernels = by_dtype!("T"; build_max: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64);

const fn reduce(
    name: &'static str,
    outputs: &'static [&'static str],
    attrs: &'static [&'static str],
    kernels: Kernels,
) -> Op {
    Op {
        name,
        inputs: &["input_indices: int64", "input_values: T", "input_shape: int64", "reduction_axes: int32"],
        outputs,
        attrs,
        effect: Effect::Pure,
        shape,
        kernels,
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let sizes = ctx.integers(2).and_then(|sizes| to_shape(&sizes).ok());
    let kept = sizes.zip(ctx.integers(3)).and_then(|(sizes, axes)| {
        let reduced = reduced_axes(&axes, sizes.rank()).ok()?;
        let keep = ctx.attr("keep_dims").unwrap_or(false);
        Some((&reduced_shape(&sizes, &reduced, keep)).into())
    });
    let dense: PartialShape = kept.unwrap_or_default();
    if ctx.outputs == 1 {
        return Ok(vec![dense]);
    }
    Ok(crate::shapes::sparse(None, dense.rank()).to_vec())
}

/// Reduces values, which come in order, to one.
type Fold<T> = fn(&mut dyn Iterator<Item = T>) -> T;

fn build_sum<T: Number>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, |values| T::from_sum(values.fold(T::Sum::default(), |sum, value| value.add_to(sum))))
}

fn build_max<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, |values| values.fold(T::LOWEST, |most, value| if most < value { value } else { most }))
}

fn build<T: Number>(node: &Construction<'_>, fold: Fold<T>) -> Result<Box<dyn Kernel>> {
    let keep: bool = node.attr("keep_dims")?;
    let is_sparse = node.outputs.len() > 1;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let coo = Coo::of(ctx, 0)?;
        let axes = ctx.input(3);
        if axes.rank() > 1 {
            let text =
                format!("Expected reduction_axes to be a scalar or a vector; got shape: {}", axes.shape());
            return Err(Error::invalid_argument(text));
        }
        let reduced = reduced_axes(&axes.to_i64s()?, coo.rank())?;
        let shape = reduced_shape(&coo.shape()?, &reduced, keep);
        let groups = groups(&coo, &reduced, keep);
        let values = coo.values.as_slice::<T>()?;
        let folded: Vec<T> =
            groups.iter().map(|group| fold(&mut group.members.iter().map(|&i| values[i]))).collect();
        if is_sparse {
            let indices = groups.iter().flat_map(|group| &group.index).copied().collect();
            ctx.set(0, matrix(groups.len(), shape.rank(), indices)?);
            ctx.set(1, Tensor::from_vec([folded.len()], folded)?);
            ctx.set(2, vector(shape.to_i64())?);
            return Ok(());
        }
        let mut output = ctx.allocate(T::DTYPE, &shape)?;
        let out = output.as_mut_slice::<T>()?;
        out.fill(T::default());
        for (group, value) in groups.iter().zip(folded) {
            out[place(&group.index, &shape)?] = value;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// For each dimension whether it is reduced.
fn reduced_axes(axes: &[i64], rank: usize) -> Result<Vec<bool>> {
    let mut reduced = vec![false; rank];
    for &axis in axes {
        let at = if axis < 0 { axis + rank as i64 } else { axis };
        let found = usize::try_from(at).ok().and_then(|at| reduced.get_mut(at)).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Invalid reduction dimension {axis}, for input with {rank} dimensions."
            ))
        })?;
        *found = true;
    }
    Ok(reduced)
}

fn reduced_shape(sizes: &Shape, reduced: &[bool], keep: bool) -> Shape {
    let all = sizes.iter().zip(reduced);
    all.filter_map(|(&size, &reduced)| match (reduced, keep) {
        (false, _) => Some(size),
        (true, true) => Some(1),
        (true, false) => None,
    })
    .collect()
}

/// Values that are reduced together.
struct Group {
    /// Where the result goes.
    index: Vec<i64>,
    /// The numbers of the values, in the order of their indices.
    members: Vec<usize>,
}

fn groups(coo: &Coo<'_>, reduced: &[bool], keep: bool) -> Vec<Group> {
    let target = |i: usize| -> Vec<i64> {
        let all = coo.index(i).iter().zip(reduced);
        all.filter(|&(_, &reduced)| keep || !reduced)
            .map(|(&at, &reduced)| if reduced { 0 } else { at })
            .collect()
    };
    let mut keyed: Vec<(Vec<i64>, usize)> = coo.order().into_iter().map(|i| (target(i), i)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    let mut groups: Vec<Group> = Vec::new();
    for (index, member) in keyed {
        match groups.last_mut().filter(|group| group.index == index) {
            Some(group) => group.members.push(member),
            None => groups.push(Group { index, members: vec![member] }),
        }
    }
    groups
}

/// The place of an index in a dense tensor.
fn place(index: &[i64], shape: &Shape) -> Result<usize> {
    let mut place = 0;
    for (&at, &size) in index.iter().zip(shape.iter()) {
        let at = usize::try_from(at).ok().filter(|&at| at < size).ok_or_else(|| {
            Error::internal(format!(
                "Obtained a write index of {at} which is outside of bounds of [0, {size})"
            ))
        })?;
        place = place * size + at;
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let over = |axes: &str| -> &'static str {
            format!("int64[3,2] 2 0 0 3 0 1; float[3] 3 2 1; int64[2] 3 4; {axes}").leak()
        };
        let (sum, max) = ("SparseReduceSum", "SparseReduceMax");
        let sparse = "SparseReduceSumSparse";
        check_rows(
            OPS,
            &[
                (sum, "", over("int32[1] 1"), "float[3] 3 0 3"),
                (sum, "keep_dims=true", over("int32[1] -1"), "float[3,1] 3 0 3"),
                (sum, "", over("int32[2] 0 0"), "float[4] 3 1 0 2"),
                (sum, "", over("int32[2] 0 1"), "float[] 6"),
                (sum, "", over("int32[0]"), "float[3,4] 0 1 0 2 0 0 0 0 3 0 0 0"),
                (max, "", over("int32[] 1"), "float[3] 2 0 3"),
                (max, "", "int64[1,1] 1; int8[1] -5; int64[1] 3; int32[1] 0", "int8[] -5"),
                (sparse, "", over("int32[1] 1"), "int64[2,1] 0 2; float[2] 3 3; int64[1] 3"),
                (
                    sparse,
                    "keep_dims=true",
                    over("int32[1] 1"),
                    "int64[2,2] 0 0 2 0; float[2] 3 3; int64[2] 3 1",
                ),
                (sparse, "", over("int32[2] 0 1"), "int64[1,0]; float[1] 6; int64[0]"),
                (
                    "SparseReduceMaxSparse",
                    "",
                    "int64[0,2]; float[0]; int64[2] 3 4; int32[1] 0",
                    "int64[0,1]; float[0]; int64[1] 4",
                ),
                (
                    sum,
                    "",
                    over("int32[1] 2"),
                    "INVALID_ARGUMENT: Invalid reduction dimension 2, for input with 2 dimensions.",
                ),
                (
                    sum,
                    "",
                    "int64[1,2] 9 0; float[1] 1; int64[2] 3 4; int32[1] 1",
                    "INTERNAL: Obtained a write index of 9 which is outside of bounds of [0, 3)",
                ),
            ],
        );
    }
}
