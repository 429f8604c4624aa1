//! See [`OP`].

use std::cmp::Ordering;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{Complex64, Complex128, Double, Float};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor};

use crate::dtypes::POD_STRING;
use crate::keys::{Key, keys};
use crate::layout::strides;

/// Counts the edits between sequences that are given as two sparse tensors.
///
/// Groups of equal leading indices are compared in the order in which they are listed. Normalised distances are
/// divided by the length of the truth, and infinite where there is none.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EditDistance>
pub const OP: Op = Op {
    name: "EditDistance",
    inputs: &[
        "hypothesis_indices: int64",
        "hypothesis_values: T",
        "hypothesis_shape: int64",
        "truth_indices: int64",
        "truth_values: T",
        "truth_shape: int64",
    ],
    outputs: &["output: float"],
    attrs: &["normalize: bool = true", "T: type"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", POD_STRING)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rank =
        ctx.input(2).dim(0).or(ctx.input(5).dim(0)).filter(|rank| (1..=Shape::MAX_RANK).contains(rank));
    Ok(vec![rank.map_or_else(PartialShape::unknown, |rank| PartialShape::of_rank(rank - 1))])
}

/// Sequences with a leading index in common: its number in the output, and which values they have.
struct Group {
    place: i64,
    values: std::ops::Range<usize>,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let normalize: bool = node.attr("normalize")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check(ctx)?;
        let shape = output_shape(ctx)?;
        let values = keys_of(ctx.input(1), ctx.input(4))?;
        let (hypotheses, truths) = (groups(ctx.input(0), &shape)?, groups(ctx.input(3), &shape)?);
        let mut output = ctx.run().allocate(Float, &shape)?;
        let out = output.as_mut_slice::<f32>()?;
        let (mut h, mut t) = (hypotheses.iter().peekable(), truths.iter().peekable());
        loop {
            let order = match (h.peek(), t.peek()) {
                (Some(h), Some(t)) => h.place.cmp(&t.place),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let h = if order == Ordering::Greater { None } else { h.next() };
            let t = if order == Ordering::Less { None } else { t.next() };
            let part = |side: usize, group: Option<&Group>| {
                group.map_or(&[][..], |g| &values[side][g.values.clone()])
            };
            let place = h.or(t).map_or(0, |group| group.place);
            let most = out.len();
            let slot = usize::try_from(place).ok().and_then(|place| out.get_mut(place)).ok_or_else(|| {
                Error::internal(format!(
                    "Got an inner product {place} which would require writing to outside of the buffer for the \
                     output tensor (max elements {most})"
                ))
            })?;
            *slot = distance(part(0, h), part(1, t), normalize);
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn distance(hypothesis: &[Key], truth: &[Key], normalize: bool) -> f32 {
    let edits = levenshtein(truth, hypothesis) as f32;
    match (normalize, truth.is_empty()) {
        (false, _) => edits,
        (true, false) => edits / truth.len() as f32,
        (true, true) if hypothesis.is_empty() => 0.0,
        (true, true) => f32::INFINITY,
    }
}

fn levenshtein(a: &[Key], b: &[Key]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let equal = x.is_some() && x == y;
            let best = (diagonal + usize::from(!equal)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[b.len()]
}

/// Keys of both sides; complex numbers are compared as pairs.
fn keys_of(a: &Tensor, b: &Tensor) -> Result<Vec<Vec<Key>>> {
    let half = match a.dtype() {
        Complex64 => Float,
        Complex128 => Double,
        _ => return keys(&[a, b]),
    };
    let parts = |t: &Tensor| -> Result<Tensor> {
        let buffer = t.buffer().ok_or_else(|| Error::internal("complex numbers without a buffer"))?;
        Tensor::from_buffer(half, [2 * t.elements()], buffer.clone())
    };
    let mut numbers = rustc_hash::FxHashMap::default();
    let mut pair = |pair: &[Key]| {
        let next = numbers.len() as u64;
        Some(*numbers.entry((pair[0]?, pair[1]?)).or_insert(next))
    };
    let all = keys(&[&parts(a)?, &parts(b)?])?;
    Ok(all.iter().map(|keys| keys.chunks_exact(2).map(&mut pair).collect()).collect())
}

fn groups(indices: &Tensor, shape: &Shape) -> Result<Vec<Group>> {
    let rank = shape.rank() + 1;
    let steps = strides(shape);
    let indices = indices.as_slice::<i64>()?;
    let mut groups: Vec<Group> = Vec::new();
    let mut last: &[i64] = &[];
    for (i, row) in indices.chunks_exact(rank).enumerate() {
        let lead = &row[..rank - 1];
        match groups.last_mut() {
            Some(group) if last == lead => group.values.end = i + 1,
            _ => {
                let terms = lead.iter().zip(&steps).map(|(&at, &step)| at.wrapping_mul(step as i64));
                groups.push(Group { place: terms.fold(0, i64::wrapping_add), values: i..i + 1 });
            }
        }
        last = lead;
    }
    Ok(groups)
}

fn check(ctx: &Context<'_>) -> Result<()> {
    for (name, first) in [("hypothesis", 0), ("truth", 3)] {
        let [indices, values, shape] = [0, 1, 2].map(|i| ctx.input(first + i).shape());
        let text = if indices.rank() != 2 {
            format!("{name}_indices should be a matrix, but got shape: {indices}")
        } else if values.rank() != 1 {
            format!("{name}_values should be a vector, but got shape: {values}")
        } else if shape.rank() != 1 {
            format!("{name}_shape should be a vector, but got shape: {shape}")
        } else if values[0] != indices[0] {
            format!(
                "Expected {name}_values.NumElements == #rows({name}_indices), their shapes are: {values} and {indices}"
            )
        } else if shape[0] != indices[1] {
            format!(
                "Expected {name}_shape.NumElements == #cols({name}_indices), their shapes are: {shape} and {indices}"
            )
        } else {
            continue;
        };
        return Err(Error::invalid_argument(text));
    }
    Ok(())
}

fn output_shape(ctx: &Context<'_>) -> Result<Shape> {
    let (hypothesis, truth) = (ctx.input(2).as_slice::<i64>()?, ctx.input(5).as_slice::<i64>()?);
    if truth.len() < 2 {
        return Err(Error::invalid_argument(format!(
            "Input SparseTensors must have rank at least 2, but truth_shape rank is: {}",
            truth.len()
        )));
    }
    if truth.len() != hypothesis.len() {
        return Err(Error::invalid_argument(format!(
            "Expected truth and hypothesis to have matching ranks, but their shapes are: {truth:?} and {hypothesis:?}"
        )));
    }
    // Shapes that are impossible are refused even where the output would have a possible one.
    crate::index::shape(hypothesis)?;
    crate::index::shape(truth)?;
    let dims: Vec<i64> = hypothesis.iter().zip(truth).map(|(&a, &b)| a.max(b)).collect();
    crate::index::shape(&dims[..dims.len() - 1])
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        (
            "EditDistance",
            "",
            "int64[1,2] 0 0; string[1] 'a'; int64[2] 1 1; int64[2,2] 0 0 0 1; string[2] 'a' 'b'; int64[2] 1 2",
            "float[1] 0.5",
        ),
        (
            "EditDistance",
            "normalize=false",
            "int64[3,2] 0 0 1 0 1 1; int32[3] 1 2 3; int64[2] 2 2; int64[2,2] 0 0 0 1; int32[2] 1 2; int64[2] 2 2",
            "float[2] 1 2",
        ),
        (
            "EditDistance",
            "",
            "int64[3,2] 0 0 1 0 1 1; int32[3] 1 2 3; int64[2] 2 2; int64[2,2] 0 0 0 1; int32[2] 1 2; int64[2] 2 2",
            "float[2] 0.5 inf",
        ),
        (
            "EditDistance",
            "",
            "int64[1,2] 0 0; complex64[1] 1+2i; int64[2] 2 2; int64[1,2] 2 0; complex64[1] 1+2i; int64[2] 3 2",
            "float[3] inf 0 1",
        ),
        (
            "EditDistance",
            "",
            "int64[2,2] 1 0 0 0; int32[2] 1 1; int64[2] 2 2; int64[1,2] 1 0; int32[1] 1; int64[2] 3 2",
            "float[3] inf 0 0",
        ),
        (
            "EditDistance",
            "",
            "int64[4,3] 0 0 0 0 0 1 0 1 0 0 1 1; float[4] 1 2 3 4; int64[3] 1 2 2; int64[3,3] 0 0 0 0 1 0 0 1 1; float[3] 2 3 4; int64[3] 1 2 2",
            "float[1,2] 1 0",
        ),
        (
            "EditDistance",
            "",
            "int64[0,2]; float[0]; int64[2] 2 2; int64[0,2]; float[0]; int64[2] 2 2",
            "float[2] 0 0",
        ),
        (
            "EditDistance",
            "",
            "int64[3,2] 0 0 1 0 1 1; int32[2] 1 2; int64[2] 2 2; int64[2,2] 0 0 0 1; int32[2] 1 2; int64[2] 2 2",
            "INVALID_ARGUMENT: Expected hypothesis_values.NumElements == #rows(hypothesis_indices), their shapes are: [2] and [3,2]",
        ),
        (
            "EditDistance",
            "",
            "int64[3] 0 0 1; int32[2] 1 2; int64[2] 2 2; int64[2,2] 0 0 0 1; int32[2] 1 2; int64[2] 2 2",
            "INVALID_ARGUMENT: hypothesis_indices should be a matrix, but got shape: [3]",
        ),
        (
            "EditDistance",
            "",
            "int64[1,2] 0 0; int32[1] 1; int64[2] 2 2; int64[1,2] 5 0; int32[1] 1; int64[2] 2 2",
            "INTERNAL: Got an inner product 5 which would require writing to outside of the buffer for the output tensor (max elements 2)",
        ),
        (
            "EditDistance",
            "",
            "int64[1,2] 0 0; int32[1] 1; int64[2] 2 2; int64[1,3] 0 0 0; int32[1] 1; int64[3] 2 2 2",
            "INVALID_ARGUMENT",
        ),
        (
            "EditDistance",
            "",
            "int64[1,1] 0; int32[1] 1; int64[1] 2; int64[1,1] 0; int32[1] 1; int64[1] 2",
            "INVALID_ARGUMENT: Input SparseTensors must have rank at least 2, but truth_shape rank is: 1",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
