//! See [`OP`].

use savedmodel_math::{par, rows};
use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Shape, Tensor, by_unit};
use smallvec::SmallVec;

use crate::dtypes::POINTERS_Q5_F8;
use crate::gather::{Picks, position};
use crate::index;

/// Rows of a table, chosen by index, perhaps summed up.
///
/// This project's optimiser makes it. Indices are first taken modulo `modulus`, as `FloorMod` does, unless that is 0;
/// `offset` is added to those below zero, as Keras counts from the end. With a `combiner`, floats are summed or averaged
/// along `axis` of what was chosen.
pub const OP: Op = Op {
    name: "_FusedEmbedding",
    inputs: &["params: Tparams", "indices: Tindices"],
    outputs: &["output: Tparams"],
    attrs: &[
        "modulus: int >= 0 = 0",
        "offset: int = 0",
        "combiner: {'none', 'sum', 'mean'} = 'none'",
        "axis: int = 0",
        "keep_dims: bool = false",
        "Tparams: type",
        "Tindices: {int32, int64}",
    ],
    effect: Effect::Pure,
    shape: shapes,
    kernels: Kernels::All(&[("Tparams", POINTERS_Q5_F8), ("Tindices", INDICES)], build),
};

/// Time that a float of a row takes to arrive, in nanoseconds.
const NS: f64 = 0.08;

type Numbers = SmallVec<[usize; 32]>;

fn shapes(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (params, indices) = (ctx.input(0), ctx.input(1));
    let (Some([_, row @ ..]), Some(indices)) = (params.dims(), indices.dims()) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let mut dims: Vec<Option<usize>> = indices.iter().chain(row).copied().collect();
    if ctx.attr::<String>("combiner").is_some_and(|combiner| combiner != "none") {
        let Some(axis) = index::axis(ctx.attr("axis").unwrap_or(0), dims.len()) else {
            return Ok(vec![PartialShape::unknown()]);
        };
        match ctx.attr("keep_dims").unwrap_or(false) {
            true => dims[axis] = Some(1),
            false => drop(dims.remove(axis)),
        }
    }
    Ok(vec![PartialShape::new(dims)])
}

/// What becomes of the rows.
#[derive(Clone, Copy)]
struct Combiner {
    is_mean: bool,
    axis: i64,
    keep_dims: bool,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let place = Place { modulus: node.attr("modulus")?, offset: node.attr("offset")? };
    let combiner = match &*node.attr::<String>("combiner")? {
        "none" => None,
        name => Some(Combiner {
            is_mean: name == "mean",
            axis: node.attr("axis")?,
            keep_dims: node.attr("keep_dims")?,
        }),
    };
    if combiner.is_some() && node.inputs[0] != DType::Float {
        return Err(node.unimplemented("combiner"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (params, indices) = (ctx.input(0), ctx.input(1));
        let Some((&dim, row)) = params.shape().dims().split_first() else {
            return Err(Error::invalid_argument("params must be at least 1 dimensional"));
        };
        let width = row.iter().product();
        let mut shape = indices.shape().clone();
        shape.extend_from_slice(row);
        // Without elements, TensorFlow does not look at the indices.
        let mut numbers = Numbers::new();
        if shape.checked_elements()? > 0 {
            find(indices, place, dim, &mut numbers)?;
        }
        let out = match combiner {
            Some(combiner) => combined(ctx, (&numbers, width), shape, combiner)?,
            None => chosen(ctx, &numbers, [dim, width], shape)?,
        };
        ctx.set(0, out);
        Ok(())
    }))
}

/// Which row an index means.
#[derive(Clone, Copy)]
struct Place {
    modulus: i64,
    offset: i64,
}

impl Place {
    #[inline]
    fn of<T: Index>(self, index: T) -> i64 {
        let index = match self.modulus {
            0 => return index.wrapped(self.offset),
            _ => index.into(),
        };
        // Processors divide shorter numbers faster.
        match (u32::try_from(index), u32::try_from(self.modulus)) {
            (Ok(index), Ok(modulus)) => (index % modulus).into(),
            _ => index.rem_euclid(self.modulus),
        }
    }
}

/// The types of indices.
trait Index: Element + Into<i64> {
    /// The index, with the offset added in its own arithmetic if it is below zero.
    fn wrapped(self, offset: i64) -> i64;
}

impl Index for i32 {
    fn wrapped(self, offset: i64) -> i64 {
        if self < 0 { self.wrapping_add(offset as i32).into() } else { self.into() }
    }
}

impl Index for i64 {
    fn wrapped(self, offset: i64) -> i64 {
        if self < 0 { self.wrapping_add(offset) } else { self }
    }
}

/// Adds the rows that indices mean, which must all be below `limit`.
fn find(indices: &Tensor, place: Place, limit: usize, numbers: &mut Numbers) -> Result<()> {
    match indices.dtype() {
        DType::Int32 => all::<i32>(indices, place, limit, numbers),
        _ => all::<i64>(indices, place, limit, numbers),
    }
}

fn all<T: Index>(indices: &Tensor, place: Place, limit: usize, numbers: &mut Numbers) -> Result<()> {
    let values = indices.as_slice::<T>()?;
    numbers.reserve(values.len());
    for (at, &value) in values.iter().enumerate() {
        let value = place.of(value);
        match usize::try_from(value).ok().filter(|&number| number < limit) {
            Some(number) => numbers.push(number),
            None => {
                let at = position(indices.shape(), at);
                return Err(Error::invalid_argument(format!("indices{at} = {value} is not in [0, {limit})")));
            }
        }
    }
    Ok(())
}

fn chosen(ctx: &Context<'_>, numbers: &[usize], [dim, width]: [usize; 2], shape: Shape) -> Result<Tensor> {
    let params = ctx.input(0);
    if let &[number] = numbers {
        return params.section(number * width, shape);
    }
    let mut out = ctx.allocate(params.dtype(), shape)?;
    if numbers.is_empty() {
        return Ok(out);
    }
    let picks = Picks { outer: 1, dim, count: numbers.len(), row: width };
    by_unit!(params.dtype(), U => picks.copy::<U>(out.units_mut()?, params.units()?, numbers));
    Ok(out)
}

/// Sums or means along an axis of the chosen rows.
fn combined(
    ctx: &Context<'_>,
    (numbers, width): (&[usize], usize),
    mut shape: Shape,
    combiner: Combiner,
) -> Result<Tensor> {
    let ids = ctx.input(1).rank();
    let axis = index::axis(combiner.axis, shape.rank()).ok_or_else(|| {
        Error::invalid_argument(format!(
            "Invalid reduction dimension ({} for input with {} dimension(s)",
            combiner.axis,
            shape.rank()
        ))
    })?;
    let count = shape[axis];
    let scale = if combiner.is_mean { 1.0 / count as f32 } else { 1.0 };
    let params = ctx.input(0).as_slice::<f32>()?;
    let inner: usize = shape[axis + 1..].iter().product();
    let table = (axis + 1 != ids && shape.elements() > 0)
        .then(|| chosen(ctx, numbers, [ctx.input(0).shape()[0], width], shape.clone()))
        .transpose()?;
    match combiner.keep_dims {
        true => shape.dims_mut()[axis] = 1,
        false => drop(shape.remove(axis)),
    }
    let mut out = ctx.allocate(DType::Float, shape)?;
    let whole = out.as_mut_slice::<f32>()?;
    if numbers.is_empty() {
        whole.fill(0.0 * scale);
        return Ok(out);
    }
    // Along the last axis of the indices, what is summed up need not be written down.
    let grain = (par::grain(NS) / (inner * count).max(1)).max(1);
    let in_order: Vec<usize>;
    let (table, numbers) = match &table {
        None => (params, numbers),
        Some(table) => {
            let table = table.as_slice::<f32>()?;
            in_order = (0..table.len() / inner.max(1)).collect();
            (table, &in_order[..])
        }
    };
    par::for_rows_mut(whole, inner, grain, |first, out| {
        for (i, out) in (first..).zip(out.chunks_exact_mut(inner)) {
            let (own, next) = numbers[i * count..].split_at(count);
            rows::sum(table, (own, next), scale, out);
        }
    });
    Ok(out)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn rows_of_a_table() {
        let table = "float[3,2] 1 2 3 4 5 6";
        let check = |attrs: &'static str, indices: &str, want: &'static str| {
            let inputs: &'static str = format!("{table}; {indices}").leak();
            check_rows(&[&[super::OP]], &[("_FusedEmbedding", attrs, inputs, want)]);
        };
        check("", "int32[2] 2 0", "float[2,2] 5 6 1 2");
        check("", "int64[] 1", "float[2] 3 4");
        check("offset=3", "int64[1,3] -1 -3 1", "float[1,3,2] 5 6 1 2 3 4");
        check("offset=3", "int32[2] 0 -4", "INVALID_ARGUMENT: indices[1] = -1 is not in [0, 3)");
        check("", "int32[1] 3", "INVALID_ARGUMENT: indices[0] = 3 is not in [0, 3)");
        check("modulus=3", "int32[4] 4 -1 -3 2147483647", "float[4,2] 3 4 5 6 1 2 3 4");
        check("modulus=2 offset=3", "int64[2,1] -9223372036854775808 4294967297", "float[2,1,2] 1 2 3 4");
        check("modulus=4", "int64[1] -1", "INVALID_ARGUMENT: indices[0] = 3 is not in [0, 3)");
        check("combiner=sum axis=1", "int32[2,2] 0 1 2 2", "float[2,2] 4 6 10 12");
        check("combiner=mean axis=-2 offset=3", "int32[2,2] 0 1 2 -1", "float[2,2] 2 3 5 6");
        check("combiner=mean axis=1 keep_dims=true", "int64[1,2] 0 2", "float[1,1,2] 3 4");
        check("combiner=sum axis=0", "int64[2,2] 0 2 1 1", "float[2,2] 4 6 8 10");
        check("combiner=sum axis=2", "int64[1,2] 0 2", "float[1,2] 3 11");
        check("combiner=sum axis=1", "int32[1,0]", "float[1,2] 0 0");
        check("combiner=sum axis=3", "int32[1,1] 0", "INVALID_ARGUMENT: Invalid reduction dimension (3");
    }
}
