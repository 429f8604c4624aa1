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
        let groups = Groups::of(&coo, &reduced);
        let values = coo.values.as_slice::<T>()?;
        let folded: Vec<T> = groups.iter().map(|group| fold(&mut group.iter().map(|&i| values[i]))).collect();
        let kept = |group: &[usize]| {
            let all = coo.index(group[0]).iter().zip(&reduced);
            all.filter_map(|(&at, &reduced)| match (reduced, keep) {
                (false, _) => Some(at),
                (true, keep) => keep.then_some(0),
            })
        };
        if is_sparse {
            let indices = groups.iter().flat_map(kept).collect();
            ctx.set(0, matrix(folded.len(), shape.rank(), indices)?);
            ctx.set(1, Tensor::from_vec([folded.len()], folded)?);
            ctx.set(2, vector(shape.to_i64())?);
            return Ok(());
        }
        let mut output = ctx.allocate(T::DTYPE, &shape)?;
        let out = output.as_mut_slice::<T>()?;
        out.fill(T::default());
        for (group, value) in groups.iter().zip(folded) {
            out[place(kept(group), &shape)?] = value;
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

/// Values that are reduced together, by number.
struct Groups {
    /// The values of one group after the other, those of each in the order of their indices.
    members: Vec<usize>,
    /// Where each group ends, in the order of the indices that are left.
    ends: Vec<usize>,
}

impl Groups {
    fn of(coo: &Coo<'_>, reduced: &[bool]) -> Groups {
        let mut members: Vec<usize> = coo.order();
        let kept: Vec<usize> = (0..coo.rank()).filter(|&axis| !reduced[axis]).collect();
        // Where the dimensions that are left come first, values that belong together are neighbours.
        if kept.last().is_some_and(|&last| last >= kept.len()) {
            match counted(coo, &kept, &members) {
                Some(sorted) => members = sorted,
                None => members.sort_by(|&a, &b| at(coo, &kept, a).cmp(at(coo, &kept, b))),
            }
        }
        let is_end = |&end: &usize| {
            let next = members.get(end);
            next.is_none_or(|&next| !at(coo, &kept, members[end - 1]).eq(at(coo, &kept, next)))
        };
        let ends = (1..=members.len()).filter(is_end).collect();
        Groups { members, ends }
    }

    fn iter(&self) -> impl Iterator<Item = &[usize]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.members[start..end])
    }
}

/// What is left of the index of a value.
fn at<'a>(coo: &Coo<'a>, kept: &'a [usize], value: usize) -> impl Iterator<Item = &'a i64> {
    let index = coo.index(value);
    kept.iter().map(|&axis| &index[axis])
}

/// The values in the order of what is left of their indices, if these lie within a shape of not many more elements than values.
fn counted(coo: &Coo<'_>, kept: &[usize], members: &[usize]) -> Option<Vec<usize>> {
    /// Counts beside those for as many elements as there are values.
    const MORE: usize = 1 << 16;
    let sizes: Shape =
        kept.iter().map(|&axis| usize::try_from(coo.sizes[axis]).ok()).collect::<Option<_>>()?;
    let count = sizes.checked_elements().ok().filter(|&count| count <= members.len() + MORE)?;
    let of = |&member: &usize| place(at(coo, kept, member).copied(), &sizes).ok();
    let places: Vec<usize> = members.iter().map(of).collect::<Option<_>>()?;
    let mut next = vec![0; count + 1];
    places.iter().for_each(|&place| next[place + 1] += 1);
    for place in 0..count {
        next[place + 1] += next[place];
    }
    let mut sorted = vec![0; members.len()];
    for (&member, place) in members.iter().zip(places) {
        sorted[next[place]] = member;
        next[place] += 1;
    }
    Some(sorted)
}

/// The place of an index in a dense tensor.
fn place(index: impl Iterator<Item = i64>, shape: &Shape) -> Result<usize> {
    let mut place = 0;
    for (at, &size) in index.zip(shape.iter()) {
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
