//! Rows of a tensor, chosen by index.

use savedmodel_math::par;
use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::dtypes::{POINTERS_Q5_F8, SMALL_INDICES};
use crate::{index, strided};

/// Takes slices along an axis in the order of the indices.
///
/// An index out of range is an error. With `batch_dims`, the leading dimensions of both inputs go together. One
/// slice of the outermost axis shares the input's memory.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/GatherV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "GatherV2",
        inputs: &["params: Tparams", "indices: Tindices", "axis: Taxis"],
        outputs: &["output: Tparams"],
        attrs: &[
            "batch_dims: int = 0",
            "Tparams: type",
            "Tindices: {int16, int32, int64}",
            "Taxis: {int32, int64}",
        ],
        effect: Effect::Pure,
        shape: shape_v2,
        kernels: Kernels::All(
            &[("Tparams", POINTERS_Q5_F8), ("Tindices", SMALL_INDICES), ("Taxis", INDICES)],
            build_v2,
        ),
    },
    Op {
        name: "Gather",
        inputs: &["params: Tparams", "indices: Tindices"],
        outputs: &["output: Tparams"],
        attrs: &["validate_indices: bool = true", "Tparams: type", "Tindices: {int32, int64}"],
        effect: Effect::Pure,
        shape: shape_v1,
        kernels: Kernels::All(&[("Tparams", POINTERS_Q5_F8), ("Tindices", SMALL_INDICES)], build_v1),
    },
];

fn shape_v1(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    partial(ctx, 0, 0)
}

fn shape_v2(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let batch_dims = ctx.attr("batch_dims").unwrap_or(0);
    let Some(&[axis]) = ctx.integers(2).as_deref() else {
        let (params, indices) = (ctx.input(0).rank(), ctx.input(1).rank());
        let known = params.zip(indices).filter(|&(params, _)| params > 0 && batch_dims == 0);
        let rank = known.map(|(params, indices)| params + indices - 1);
        return Ok(vec![rank.map_or_else(PartialShape::unknown, PartialShape::of_rank)]);
    };
    partial(ctx, axis, batch_dims)
}

fn partial(ctx: &ShapeContext<'_>, axis: i64, batch_dims: i64) -> Result<Vec<PartialShape>> {
    let (params, indices) = (ctx.input(0), ctx.input(1));
    let (Some(params), Some(indices)) = (params.dims(), indices.dims()) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let (axis, batch_dims) = places(params.len(), indices.len(), axis, batch_dims)?;
    let batch = params[..batch_dims].iter().zip(indices).map(|(&p, &i)| p.or(i));
    let dims = batch.chain(params[batch_dims..axis].iter().copied());
    let dims = dims.chain(indices[batch_dims..].iter().copied());
    Ok(vec![PartialShape::new(dims.chain(params[axis + 1..].iter().copied()))])
}

/// The axis and the number of batch dimensions, counted from the front.
fn places(params: usize, indices: usize, axis: i64, batch_dims: i64) -> Result<(usize, usize)> {
    if params == 0 {
        return Err(Error::invalid_argument("params must be at least 1 dimensional"));
    }
    let axis = index::axis(axis, params).ok_or_else(|| {
        Error::invalid_argument(format!(
            "Expected axis in the range [{}, {params}), but got {axis}",
            -(params as i64)
        ))
    })?;
    let most = indices as i64;
    if !(-most..=most).contains(&batch_dims) {
        return Err(Error::invalid_argument(format!(
            "Expected batch_dims in the range [-{most}, {most}], but got {batch_dims}"
        )));
    }
    let batch_dims = if batch_dims < 0 { batch_dims + most } else { batch_dims } as usize;
    if batch_dims >= params {
        return Err(Error::invalid_argument(format!(
            "batch_dims ({batch_dims}) must be less than rank(params) ({params})."
        )));
    }
    if axis < batch_dims {
        return Err(Error::invalid_argument(format!(
            "batch_dims ({batch_dims}) must be less than or equal to axis ({axis})."
        )));
    }
    Ok((axis, batch_dims))
}

fn build_v1(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let output = gather(ctx.run(), ctx.input(0), ctx.input(1), 0, 0)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn build_v2(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let batch_dims: i64 = node.attr("batch_dims")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let axis = index::scalar(ctx.input(2), || Error::invalid_argument("axis must be scalar"))?;
        let output = gather(ctx.run(), ctx.input(0), ctx.input(1), axis, batch_dims)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// What `GatherV2` gives for these inputs, also for operators that gather from variables.
///
/// # Errors
/// `INVALID_ARGUMENT` for an axis, number of batch dimensions or index out of range, or batch dimensions that
/// differ.
pub fn gather(run: Run<'_>, params: &Tensor, indices: &Tensor, axis: i64, batch_dims: i64) -> Result<Tensor> {
    let (axis, batch_dims) = places(params.rank(), indices.rank(), axis, batch_dims)?;
    let (from, by) = (params.shape().dims(), indices.shape().dims());
    if let Some(i) = (0..batch_dims).find(|&i| from[i] != by[i]) {
        return Err(Error::invalid_argument(format!(
            "params.shape[{i}]: {} should be equal to indices.shape[{i}]: {}",
            from[i], by[i]
        )));
    }
    let picks = Picks {
        outer: from[batch_dims..axis].iter().product(),
        dim: from[axis],
        count: by[batch_dims..].iter().product(),
        row: from[axis + 1..].iter().product(),
    };
    let kept = from[..axis].iter().chain(&by[batch_dims..]);
    let shape: Shape = kept.chain(&from[axis + 1..]).copied().collect();
    if shape.checked_elements()? == 0 {
        return run.allocate(params.dtype(), shape);
    }
    let numbers = checked(indices, picks.dim)?;
    if let (&[number], 0) = (numbers.as_slice(), axis) {
        return params.rows(number, number + 1)?.reshape(shape);
    }
    let mut output = run.allocate(params.dtype(), shape)?;
    by_unit!(params.dtype(), U => picks.copy::<U>(output.units_mut()?, params.units()?, &numbers));
    Ok(output)
}

/// The indices, all of which must be below `limit`.
///
/// # Errors
/// `INVALID_ARGUMENT` for the first that is not.
pub fn checked(indices: &Tensor, limit: usize) -> Result<Vec<usize>> {
    let values = match indices.dtype() {
        DType::Int64 => below(indices.as_slice::<i64>()?, limit),
        DType::Int32 => below(indices.as_slice::<i32>()?, limit),
        _ => below(&indices.to_i64s()?, limit),
    };
    values.map_err(|(at, value)| {
        let place = position(indices.shape(), at);
        Error::invalid_argument(format!("indices{place} = {value} is not in [0, {limit})"))
    })
}

fn below<T: Copy + Into<i64>>(values: &[T], limit: usize) -> Result<Vec<usize>, (usize, i64)> {
    let mut bad = false;
    let numbers = values.iter().map(|&v| {
        let number = v.into() as u64 as usize;
        bad |= number >= limit;
        number
    });
    let numbers: Vec<usize> = numbers.collect();
    if !bad {
        return Ok(numbers);
    }
    let at = numbers.iter().position(|&number| number >= limit).unwrap_or(0);
    Err((at, values[at].into()))
}

/// `[1,2]`: the indices of element number `at`, as messages show them; nothing for a scalar.
pub(crate) fn position(shape: &Shape, mut at: usize) -> String {
    let mut text = vec![String::new(); shape.rank()];
    for (digit, &dim) in text.iter_mut().zip(shape.dims()).rev() {
        *digit = (at % dim.max(1)).to_string();
        at /= dim.max(1);
    }
    if text.is_empty() { String::new() } else { format!("[{}]", text.join(",")) }
}

/// How rows are picked: for each of several batches, `outer` groups of `dim` rows, of each of which `count` rows
/// are taken.
pub(crate) struct Picks {
    pub outer: usize,
    pub dim: usize,
    pub count: usize,
    /// Elements of a row.
    pub row: usize,
}

impl Picks {
    /// The rows as stretches, where groups share the numbers and these follow each other for the most part, as those of a triangle do.
    fn stretches(&self, numbers: &[usize]) -> Option<Vec<Stretch>> {
        const SHORT: usize = 4;
        if self.outer < 2 || numbers.len() != self.count || numbers.iter().any(|&number| number >= self.dim) {
            return None;
        }
        let stretches = || numbers.chunk_by(|&a, &b| a + 1 == b).map(|part| (part[0], part.len()));
        (stretches().count() * SHORT <= numbers.len()).then(|| stretches().collect())
    }

    /// Copies the rows; the numbers of a batch serve all its groups, and one beyond `dim` gives defaults.
    pub fn copy<U: Unit>(&self, out: &mut [U], src: &[U], numbers: &[usize]) {
        let row = self.row;
        let grain = (strided::grain::<U>() / 4 / row.max(1)).max(1);
        let stretches = self.stretches(numbers);
        par::for_rows_mut(out, row, grain, |mut first, mut rows| {
            while !rows.is_empty() {
                let group = first / self.count;
                let at = first % self.count;
                let len = (rows.len() / row).min(self.count - at);
                let (part, rest) = rows.split_at_mut(len * row);
                let numbers = &numbers[group / self.outer * self.count + at..][..len];
                let src = &src[group * self.dim * row..][..self.dim * row];
                match &stretches {
                    Some(stretches) if len == self.count => pick_stretches(part, src, stretches, row),
                    _ => pick(part, src, numbers, row),
                }
                (rows, first) = (rest, first + len);
            }
        });
    }
}

/// Adjacent rows: the first, and how many.
type Stretch = (usize, usize);

fn pick_stretches<U: Unit>(out: &mut [U], src: &[U], stretches: &[Stretch], row: usize) {
    let mut rest = out;
    for &(first, len) in stretches {
        let (part, after) = rest.split_at_mut(len * row);
        part.clone_from_slice(&src[first * row..][..len * row]);
        rest = after;
    }
}

fn pick<U: Unit>(out: &mut [U], src: &[U], numbers: &[usize], row: usize) {
    if row == 1 {
        for (o, &number) in out.iter_mut().zip(numbers) {
            *o = src.get(number).cloned().unwrap_or_default();
        }
        return;
    }
    for (o, &number) in out.chunks_exact_mut(row).zip(numbers) {
        match number.checked_mul(row).and_then(|start| src.get(start..start + row)) {
            Some(values) => o.clone_from_slice(values),
            None => o.fill(U::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn along_an_axis() {
        check_rows(
            crate::OPS,
            &[
                ("GatherV2", "", "float[3] 1 2 3; int32[2] 2 0; int32[] 0", "float[2] 3 1"),
                ("GatherV2", "", "float[3,2] 1 2 3 4 5 6; int16[] 1; int64[] 0", "float[2] 3 4"),
                (
                    "GatherV2",
                    "",
                    "string[2,2] 'a' 'b' 'c' 'd'; int64[1,3] 1 0 1; int32[] -1",
                    "string[2,1,3] 'b' 'a' 'b' 'd' 'c' 'd'",
                ),
                (
                    "GatherV2",
                    "",
                    "int8[2,2,2] 1 2 3 4 5 6 7 8; int32[3] 1 1 0; int32[] 1",
                    "int8[2,3,2] 3 4 3 4 1 2 7 8 7 8 5 6",
                ),
                ("GatherV2", "", "float[0,2]; int32[0]; int32[] 0", "float[0,2]"),
                ("GatherV2", "", "float[0,0]; int32[1] 5; int32[] 0", "float[1,0]"),
                ("Gather", "validate_indices=false", "quint16[3] 1 2 3; int64[2] 2 2", "quint16[2] 3 3"),
                ("Gather", "", "bool[2,1] true false; int32[2,1] 1 0", "bool[2,1,1] false true"),
            ],
        );
    }

    #[test]
    fn stretches_of_rows() {
        check_rows(
            crate::OPS,
            &[
                (
                    "GatherV2",
                    "",
                    "int32[2,6] 1 2 3 4 5 6 7 8 9 10 11 12; int32[8] 1 2 3 4 0 1 2 3; int32[] 1",
                    "int32[2,8] 2 3 4 5 1 2 3 4 8 9 10 11 7 8 9 10",
                ),
                (
                    "GatherV2",
                    "",
                    "string[2,4,1] 'a' 'b' 'c' 'd' 'e' 'f' 'g' 'h'; int64[4] 0 1 2 3; int32[] 1",
                    "string[2,4,1] 'a' 'b' 'c' 'd' 'e' 'f' 'g' 'h'",
                ),
                (
                    "GatherV2",
                    "",
                    "int32[2,4] 1 2 3 4 5 6 7 8; int32[4] 1 2 3 4; int32[] 1",
                    "INVALID_ARGUMENT: indices[3] = 4 is not in [0, 4)",
                ),
            ],
        );
    }

    #[test]
    fn in_batches() {
        check_rows(
            crate::OPS,
            &[
                (
                    "GatherV2",
                    "batch_dims=1",
                    "float[2,3] 1 2 3 4 5 6; int32[2,2] 0 2 1 1; int32[] 1",
                    "float[2,2] 1 3 5 5",
                ),
                (
                    "GatherV2",
                    "batch_dims=1",
                    "float[2,3] 1 2 3 4 5 6; int32[2] 2 0; int32[] 1",
                    "float[2] 3 4",
                ),
                (
                    "GatherV2",
                    "batch_dims=1",
                    "float[2,2,2] 1 2 3 4 5 6 7 8; int32[2,1] 0 1; int32[] 2",
                    "float[2,2,1] 1 3 6 8",
                ),
                (
                    "GatherV2",
                    "batch_dims=-1",
                    "float[2,3] 1 2 3 4 5 6; int32[2,1] 2 0; int32[] 1",
                    "float[2,1] 3 4",
                ),
                (
                    "GatherV2",
                    "batch_dims=2",
                    "float[1,2,2] 1 2 3 4; int64[1,2,1] 0 1; int32[] -1",
                    "float[1,2,1] 1 4",
                ),
            ],
        );
    }

    #[test]
    fn errors() {
        check_rows(
            crate::OPS,
            &[
                (
                    "GatherV2",
                    "",
                    "float[3] 1 2 3; int32[1,2] 0 3; int32[] 0",
                    "INVALID_ARGUMENT: indices[0,1] = 3 is not in [0, 3)",
                ),
                (
                    "GatherV2",
                    "",
                    "float[3] 1 2 3; int32[] -1; int32[] 0",
                    "INVALID_ARGUMENT: indices = -1 is not in [0, 3)",
                ),
                (
                    "GatherV2",
                    "",
                    "float[] 1; int32[] 0; int32[] 0",
                    "INVALID_ARGUMENT: params must be at least 1 dimensional",
                ),
                ("GatherV2", "", "float[1] 1; int32[] 0; int32[] 1", "INVALID_ARGUMENT"),
                (
                    "GatherV2",
                    "",
                    "float[1] 1; int32[] 0; int32[1] 0",
                    "INVALID_ARGUMENT: axis must be scalar",
                ),
                (
                    "GatherV2",
                    "batch_dims=1",
                    "float[2,1] 1 2; int32[3,1] 0 0 0; int32[] 1",
                    "INVALID_ARGUMENT: params.shape[0]: 2 should be equal to indices.shape[0]: 3",
                ),
                (
                    "GatherV2",
                    "batch_dims=1",
                    "float[2,1] 1 2; int32[2,1] 0 0; int32[] 0",
                    "INVALID_ARGUMENT: batch_dims (1) must be less than or equal to axis (0).",
                ),
                (
                    "GatherV2",
                    "batch_dims=3",
                    "float[2,1] 1 2; int32[2,1] 0 0; int32[] 0",
                    "INVALID_ARGUMENT: Expected batch_dims in the range [-2, 2], but got 3",
                ),
                (
                    "GatherV2",
                    "batch_dims=2",
                    "float[2,1] 1 2; int32[2,1] 0 0; int32[] 1",
                    "INVALID_ARGUMENT: batch_dims (2) must be less than rank(params) (2).",
                ),
            ],
        );
    }
}
