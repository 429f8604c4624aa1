//! Shape functions: what is known of outputs before anything runs.

use savedmodel_graph::Attrs;
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor};

use crate::FromAttr;

/// Tells the shapes of a node's outputs, one for each, from what is known of its inputs.
///
/// It errs only where TensorFlow's kernel would, and says "unknown" where it can't tell.
pub type ShapeFn = fn(&ShapeContext<'_>) -> Result<Vec<PartialShape>>;

/// What a shape function sees of a node.
pub struct ShapeContext<'a> {
    /// The attributes, complete.
    pub attrs: &'a Attrs,
    /// What is known of the inputs' shapes.
    pub inputs: &'a [PartialShape],
    /// The inputs whose values are known; as long as `inputs`.
    pub values: &'a [Option<Tensor>],
    /// Number of outputs.
    pub outputs: usize,
}

impl ShapeContext<'_> {
    /// What is known of the shape of input `i`.
    pub fn input(&self, i: usize) -> PartialShape {
        self.inputs.get(i).cloned().unwrap_or_default()
    }

    /// The value of input `i`, if it is known.
    pub fn value(&self, i: usize) -> Option<&Tensor> {
        self.values.get(i)?.as_ref()
    }

    /// The value of an integer input (axes, sizes), if it is known.
    pub fn integers(&self, i: usize) -> Option<Vec<i64>> {
        self.value(i)?.to_i64s().ok()
    }

    /// The value of an attribute; `None` if it is of another type.
    pub fn attr<T: FromAttr>(&self, name: &str) -> Option<T> {
        self.attrs.get(name).and_then(T::from_attr)
    }

    /// An axis counted from the front; `None` if the rank is unknown.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is no such axis.
    pub fn axis(&self, axis: i64, rank: Option<usize>) -> Result<Option<usize>> {
        let Some(rank) = rank else { return Ok(None) };
        let found = if axis < 0 { axis + rank as i64 } else { axis };
        match usize::try_from(found) {
            Ok(found) if found < rank => Ok(Some(found)),
            _ => Err(Error::invalid_argument(format!("axis {axis} is out of range for rank {rank}"))),
        }
    }
}

/// Nothing is known of any output.
///
/// # Errors
/// None.
pub fn unknown(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::unknown(); ctx.outputs])
}

/// Every output is a scalar.
///
/// # Errors
/// None.
pub fn scalar(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::of_rank(0); ctx.outputs])
}

/// Every output is a vector of unknown length.
///
/// # Errors
/// None.
pub fn vector(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::of_rank(1); ctx.outputs])
}

/// Every output has the shape of the first input.
///
/// # Errors
/// None.
pub fn unchanged(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![ctx.input(0); ctx.outputs])
}

/// There are no outputs.
///
/// # Errors
/// None.
pub fn none(_: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(Vec::new())
}

/// Every output has the shape that the first two inputs broadcast to.
///
/// # Errors
/// `INVALID_ARGUMENT` when they can't.
pub fn broadcast(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![broadcast_shapes(&ctx.input(0), &ctx.input(1))?; ctx.outputs])
}

/// What two partly known shapes broadcast to.
///
/// # Errors
/// `INVALID_ARGUMENT` when they can't, with TensorFlow's text.
pub fn broadcast_shapes(a: &PartialShape, b: &PartialShape) -> Result<PartialShape> {
    let (Some(x), Some(y)) = (a.dims(), b.dims()) else { return Ok(PartialShape::unknown()) };
    let (long, short) = if x.len() >= y.len() { (x, y) } else { (y, x) };
    let lead = long.len() - short.len();
    let mut out = long.to_vec();
    for (dim, &other) in out[lead..].iter_mut().zip(short) {
        *dim = match (*dim, other) {
            (Some(1), d) | (d, Some(1)) => d,
            (Some(m), Some(n)) if m == n => Some(m),
            (Some(_), Some(_)) => return Err(incompatible(a, b)),
            (Some(m), None) | (None, Some(m)) => Some(m),
            (None, None) => None,
        };
    }
    Ok(PartialShape::new(out))
}

fn incompatible(a: &dyn std::fmt::Display, b: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!("Incompatible shapes: {a} vs. {b}"))
}

/// The shape that two shapes broadcast to, for kernels.
///
/// # Errors
/// `INVALID_ARGUMENT` when they can't, with TensorFlow's text.
pub fn broadcast_known(a: &Shape, b: &Shape) -> Result<Shape> {
    Shape::broadcast(a, b).ok_or_else(|| incompatible(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_broadcasts() {
        let check = |a: &[i64], b: &[i64], want: &str| {
            let shape = |dims| PartialShape::from_i64(dims).unwrap();
            let text = |r: Result<PartialShape>| r.map_or_else(|e| e.message().to_owned(), |s| s.to_string());
            assert_eq!(text(broadcast_shapes(&shape(a), &shape(b))), want);
        };
        check(&[2, -1], &[3], "[2,3]");
        check(&[-1], &[-1], "[?]");
        check(&[-1], &[1], "[?]");
        check(&[2], &[3], "Incompatible shapes: [2] vs. [3]");
        check(&[], &[-1, 2], "[?,2]");
    }
}
