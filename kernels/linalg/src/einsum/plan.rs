//! What one call does, step by step; found once for all element types.

use savedmodel_op::Context;
use savedmodel_tensor::{Error, Result, Shape};

use super::equation::{Equation, Label};
use super::layout::{Layout, Totals};

/// One call.
pub struct Plan {
    /// The shape of the result.
    pub shape: Shape,
    /// Where each element that is computed goes, if the result is zero off a diagonal.
    pub places: Option<Vec<usize>>,
    /// How they are computed.
    pub steps: Steps,
}

/// How the elements are computed.
pub enum Steps {
    /// There are none, or sums of nothing.
    Empty,
    /// From one input.
    One {
        /// Sums that are taken first.
        totals: Option<Totals>,
        /// Its elements in the order of the result.
        walk: Layout,
    },
    /// From two.
    Two(Box<Products>),
}

/// Two inputs as batches of matrices.
pub struct Products {
    /// Sums of the inputs that are taken first.
    pub totals: [Option<Totals>; 2],
    /// Whether the second input is the left one.
    pub is_swapped: bool,
    /// Whether the right operand is the second input itself.
    pub may_keep: bool,
    /// The operands, left and right.
    pub factors: [Factor; 2],
    /// Rows, inner size and columns.
    pub sizes: [usize; 3],
    /// The products in the order of the result, if they are not.
    pub result: Option<Layout>,
}

/// An operand as a batch of matrices.
pub struct Factor {
    /// Its elements in another order, if its matrices have no single strides.
    pub walk: Option<Layout>,
    /// Those of each matrix.
    pub strides: [usize; 2],
    /// Where each matrix begins.
    pub offsets: Vec<usize>,
}

impl Plan {
    /// That for the inputs of a kernel.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they don't fit the equation.
    pub fn of(equation: &Equation, ctx: &Context<'_>) -> Result<Plan> {
        let inputs: Vec<&Shape> = ctx.inputs(0).map(|tensor| tensor.shape()).collect();
        let ranks: Vec<usize> = inputs.iter().map(|shape| shape.rank()).collect();
        let (labels, output) = equation.labels(&ranks)?;
        let sizes = Sizes::of(&labels, &inputs)?;
        let dims: Vec<usize> = output.iter().map(|&label| sizes.get(label)).collect();
        let mut unique: Vec<Label> = Vec::new();
        for &label in &output {
            if !unique.contains(&label) {
                unique.push(label);
            }
        }
        let shape = Shape::from(&dims[..]);
        if shape.elements() == 0 || inputs.iter().any(|shape| shape.elements() == 0) {
            return Ok(Plan { shape, places: None, steps: Steps::Empty });
        }
        let mut layouts = labels.iter().zip(&inputs);
        let mut next = || layouts.next().map(|(labels, shape)| Layout::of(labels, shape).without_units());
        let steps = match (next(), next()) {
            (Some(a), Some(b)) => Steps::Two(Box::new(Products::of(a, b, &unique)?)),
            (Some(mut only), None) => {
                let totals = only.sum_to(&|label| unique.contains(&label));
                Steps::One { totals, walk: only.in_order(&unique) }
            }
            _ => Steps::Empty,
        };
        let is_diagonal = unique.len() < output.len();
        let places = is_diagonal.then(|| Layout::of(&output, &dims).offsets(&unique));
        Ok(Plan { shape, places, steps })
    }
}

impl Products {
    /// The products of two tensors without dimensions of one element, in the order `output`.
    fn of(mut a: Layout, mut b: Layout, output: &[Label]) -> Result<Products> {
        let totals_a = {
            let in_b = b.labels();
            a.sum_to(&|label| output.contains(&label) || in_b.contains(&label))
        };
        let totals_b = {
            let in_a = a.labels();
            b.sum_to(&|label| output.contains(&label) || in_a.contains(&label))
        };
        let named = |in_a: bool, in_b: bool| {
            let labels = output.iter().copied().filter(|&l| a.has(l) == in_a && b.has(l) == in_b);
            labels.collect::<Vec<_>>()
        };
        let (batch, rows, columns) = (named(true, true), named(true, false), named(false, true));
        let inner: Vec<Label> = a.labels().into_iter().filter(|l| !output.contains(l)).collect();
        let wide: Vec<Label> = output.iter().copied().filter(|&l| a.has(l) || b.has(l)).collect();
        let order = [&batch[..], &rows, &columns].concat();
        let is_swapped = wide != order && wide == [&batch[..], &columns, &rows].concat();
        let mut result = None;
        if wide != order && !is_swapped {
            let sizes: Vec<usize> = order.iter().map(|&l| a.size(&[l]).max(b.size(&[l]))).collect();
            result = Some(Layout::of(&order, &sizes).in_order(&wide));
        }
        let may_keep = totals_b.is_none() && !is_swapped;
        let ((left, rows), (right, columns)) =
            if is_swapped { ((b, columns), (a, rows)) } else { ((a, rows), (b, columns)) };
        let sizes = [left.size(&rows), left.size(&inner), right.size(&columns)];
        let factors =
            [Factor::of(left, &batch, &rows, &inner)?, Factor::of(right, &batch, &inner, &columns)?];
        Ok(Products { totals: [totals_a, totals_b], is_swapped, may_keep, factors, sizes, result })
    }
}

impl Factor {
    fn of(layout: Layout, batch: &[Label], rows: &[Label], columns: &[Label]) -> Result<Factor> {
        let (lies, walk) = match layout.strides(rows, columns) {
            Some(_) => (layout, None),
            None => {
                let walk = layout.in_order(&[batch, rows, columns].concat());
                (walk.dense(), Some(walk))
            }
        };
        let strides = lies.strides(rows, columns);
        let strides = strides.ok_or_else(|| Error::internal("a dense matrix has no single strides"))?;
        Ok(Factor { walk, strides, offsets: lies.offsets(batch) })
    }
}

/// The sizes of all labels.
struct Sizes(Vec<(Label, usize)>);

impl Sizes {
    fn of(labels: &[Vec<Label>], inputs: &[&Shape]) -> Result<Sizes> {
        let mut sizes: Vec<(Label, usize)> = Vec::new();
        for (labels, shape) in labels.iter().zip(inputs) {
            for (axis, (&label, &size)) in labels.iter().zip(shape.dims()).enumerate() {
                let Some((_, known)) = sizes.iter_mut().find(|(l, _)| *l == label) else {
                    sizes.push((label, size));
                    continue;
                };
                match label {
                    _ if *known == size => {}
                    Label::Ellipsis(_) if *known == 1 => *known = size,
                    Label::Ellipsis(_) if size == 1 => {}
                    Label::Ellipsis(_) => {
                        let text = format!("Invalid broadcasting dimensions: {known} vs. {size}");
                        return Err(Error::invalid_argument(text));
                    }
                    _ => {
                        return Err(Error::invalid_argument(format!(
                            "Expected dimension {known} at axis {axis} of the input shaped {shape} but got dimension {size}",
                        )));
                    }
                }
            }
        }
        Ok(Sizes(sizes))
    }

    fn get(&self, label: Label) -> usize {
        self.0.iter().find(|(l, _)| *l == label).map_or(1, |(_, size)| *size)
    }
}
