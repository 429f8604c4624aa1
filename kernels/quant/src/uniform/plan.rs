//! Convolutions over any number of spatial dimensions, as sums of 32-bit products.

use savedmodel_math::par;
use savedmodel_op::Construction;
use savedmodel_tensor::{Error, Result, Shape};

use super::dimensions::{Dimensions, Numbers};

/// The attributes of a node.
pub struct Attributes {
    strides: Vec<i64>,
    lhs_dilation: Vec<i64>,
    rhs_dilation: Vec<i64>,
    padding: String,
    explicit: Vec<i64>,
    groups: [i64; 2],
    numbers: Numbers,
}

impl Attributes {
    /// Those of a node.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for values that TensorFlow rejects.
    pub fn of(node: &Construction<'_>) -> Result<Attributes> {
        let padding: String = node.attr("padding")?;
        let explicit: Vec<i64> = node.attr("explicit_padding")?;
        if !["EXPLICIT", "SAME", "VALID"].contains(&padding.as_str()) {
            return Err(Error::invalid_argument(format!(
                "padding Attr must be one of [EXPLICIT | SAME | VALID], but given: {padding}"
            )));
        }
        if padding != "EXPLICIT" && !explicit.is_empty() {
            return Err(Error::invalid_argument(format!(
                "If padding Attr is not 'EXPLICIT', explicit_padding Attr must be empty. Given padding {padding} and \
                 explicit_padding of size {}",
                explicit.len()
            )));
        }
        Ok(Attributes {
            strides: node.attr("window_strides")?,
            lhs_dilation: node.attr("lhs_dilation")?,
            rhs_dilation: node.attr("rhs_dilation")?,
            padding,
            explicit,
            groups: [node.attr("feature_group_count")?, node.attr("batch_group_count")?],
            numbers: Numbers::parse(&node.attr::<savedmodel_tensor::Bytes>("dimension_numbers")?)?,
        })
    }

    /// One step for each spatial dimension, at least one.
    fn steps(name: &str, values: &[i64], space: usize) -> Result<Vec<usize>> {
        if values.is_empty() {
            return Ok(vec![1; space]);
        }
        if values.len() != space {
            return Err(Error::invalid_argument(format!("Size of {name} Attr must be dims - 2.")));
        }
        let step = |&value: &i64| usize::try_from(value).ok().filter(|&value| value >= 1);
        values.iter().map(step).collect::<Option<Vec<usize>>>().ok_or_else(|| {
            Error::invalid_argument(format!("All elements of {name} must be >= 1. Given {values:?}"))
        })
    }
}

/// One spatial dimension.
#[derive(Clone, Copy)]
struct Side {
    input: usize,
    window: usize,
    output: usize,
    stride: usize,
    lhs_dilation: usize,
    rhs_dilation: usize,
    before: usize,
}

impl Side {
    /// The cell of the image under a place of the window, if there is one.
    fn cell(&self, output: usize, place: usize) -> Option<usize> {
        let at = (output * self.stride + place * self.rhs_dilation).checked_sub(self.before)?;
        (at.is_multiple_of(self.lhs_dilation) && at / self.lhs_dilation < self.input)
            .then(|| at / self.lhs_dilation)
    }
}

/// A convolution of known sizes.
pub struct Plan {
    /// Where the dimensions of the operands lie.
    pub dimensions: Dimensions,
    sides: Vec<Side>,
    /// Output features for one group of input features, and for one group of batches.
    per_group: [usize; 2],
    /// Batches and features of the images.
    pub lhs: [usize; 2],
    /// Output and input features of the filters.
    pub rhs: [usize; 2],
    /// Batches of the result.
    pub batch: usize,
}

impl Plan {
    /// The plan for operands of two shapes.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they don't fit each other or the attributes.
    pub fn of(attributes: &Attributes, lhs: &Shape, rhs: &Shape) -> Result<Plan> {
        let rank = lhs.rank();
        if rank != rhs.rank() {
            return Err(Error::invalid_argument(format!(
                "lhs and rhs must have same dims. Given lhs and rhs of shapes: {lhs}{rhs}"
            )));
        }
        if rank <= 2 {
            return Err(Error::invalid_argument(format!(
                "lhs and rhs shape dims must be at least 3. Given: {rank}"
            )));
        }
        let dimensions = attributes.numbers.dimensions(rank)?;
        let two = |shape: &Shape, order: &[usize]| [shape[order[0]], shape[order[1]]];
        let (images, filters) = (two(lhs, &dimensions.lhs), two(rhs, &dimensions.rhs));
        let [features, batches] = groups(attributes.groups, images, filters)?;
        let sides = sides(attributes, lhs, rhs, &dimensions)?;
        Ok(Plan {
            dimensions,
            sides,
            per_group: [filters[0] / features, filters[0] / batches],
            lhs: images,
            rhs: filters,
            batch: images[0] / batches,
        })
    }

    /// The shape of the result.
    pub fn shape(&self) -> Shape {
        let mut dims = vec![0; self.sides.len() + 2];
        let sizes = [self.batch, self.rhs[0]].into_iter().chain(self.sides.iter().map(|side| side.output));
        self.dimensions.out.iter().zip(sizes).for_each(|(&axis, size)| dims[axis] = size);
        dims.into()
    }

    fn product(&self, size: impl Fn(&Side) -> usize) -> usize {
        self.sides.iter().map(size).product()
    }

    /// What `f(sum, batch of the images, output feature)` makes of each element of the result, in the order of the plan.
    ///
    /// `lhs` and `rhs` are codes less their zero points, in the order of the plan.
    pub fn run<R: Copy + Default + Send>(
        &self,
        lhs: &[i32],
        rhs: &[i32],
        f: impl Fn(i32, usize, usize) -> R + Sync,
    ) -> Vec<R> {
        /// Rows of the result that share the search for cells.
        const SHARED: usize = 8;
        let [inputs, windows, outputs] = [
            self.product(|side| side.input),
            self.product(|side| side.window),
            self.product(|side| side.output),
        ];
        let mut out = vec![R::default(); self.batch * self.rhs[0] * outputs];
        par::for_rows_mut(&mut out, outputs, SHARED, |first, out| {
            let mut cells = vec![None; windows];
            for output in 0..outputs {
                cells.iter_mut().enumerate().for_each(|(place, cell)| *cell = self.cell(output, place));
                for (row, out) in (first..).zip(out.iter_mut().skip(output).step_by(outputs)) {
                    let (batch, feature) = (row / self.rhs[0], row % self.rhs[0]);
                    let image = feature / self.per_group[1] * self.batch + batch;
                    let start = image * self.lhs[1] + feature / self.per_group[0] * self.rhs[1];
                    let filter = &rhs[feature * self.rhs[1] * windows..][..self.rhs[1] * windows];
                    let mut sum = 0_i32;
                    for (i, filter) in filter.chunks(windows.max(1)).enumerate() {
                        let plane = &lhs[(start + i) * inputs..][..inputs];
                        for (cell, &weight) in cells.iter().zip(filter) {
                            let value = cell.map_or(0, |cell: usize| plane[cell]);
                            sum = sum.wrapping_add(value.wrapping_mul(weight));
                        }
                    }
                    *out = f(sum, image, feature);
                }
            }
        });
        out
    }

    /// The cell of an image under a place of the window, for an output.
    fn cell(&self, output: usize, place: usize) -> Option<usize> {
        let (mut output, mut place, mut cell, mut stride) = (output, place, 0, 1);
        for side in self.sides.iter().rev() {
            cell += side.cell(output % side.output, place % side.window)? * stride;
            output /= side.output;
            place /= side.window;
            stride *= side.input;
        }
        Some(cell)
    }
}

/// Groups of features and of batches.
fn groups([features, batches]: [i64; 2], images: [usize; 2], filters: [usize; 2]) -> Result<[usize; 2]> {
    let positive = |count: i64, name: &str| match usize::try_from(count) {
        Ok(count @ 1..) => Ok(count),
        _ => Err(Error::invalid_argument(format!("{name} must be a positive integer, given: {count}"))),
    };
    let (features, batches) =
        (positive(features, "feature_group_count")?, positive(batches, "batch_group_count")?);
    let text = if !images[1].is_multiple_of(features) {
        format!(
            "feature_group_count must divide lhs feature dimension size, but {features} does not divide {}",
            images[1]
        )
    } else if images[1] / features != filters[1] {
        format!(
            "lhs feature dimension size divided by feature_group_count must equal the rhs input feature dimension size, but \
             {} / {features} != {}",
            images[1], filters[1]
        )
    } else if !filters[0].is_multiple_of(features) || !filters[0].is_multiple_of(batches) {
        format!("rhs output dimension size must be a multiple of the group counts, but {} is not", filters[0])
    } else if !images[0].is_multiple_of(batches) {
        format!(
            "batch_group_count must divide lhs batch dimension size, but {batches} does not divide {}",
            images[0]
        )
    } else {
        return Ok([features, batches]);
    };
    Err(Error::invalid_argument(text))
}

fn sides(attributes: &Attributes, lhs: &Shape, rhs: &Shape, dimensions: &Dimensions) -> Result<Vec<Side>> {
    let space = lhs.rank() - 2;
    let strides = Attributes::steps("window_strides", &attributes.strides, space)?;
    let lhs_dilation = Attributes::steps("lhs_dilation", &attributes.lhs_dilation, space)?;
    let rhs_dilation = Attributes::steps("rhs_dilation", &attributes.rhs_dilation, space)?;
    let explicit = attributes.padding == "EXPLICIT";
    if explicit && (attributes.explicit.len() != 2 * space || attributes.explicit.iter().any(|&pad| pad < 0))
    {
        return Err(Error::invalid_argument(format!(
            "explicit_padding Attr must be 2 * (rank - 2) elements >= 0. Given {:?}",
            attributes.explicit
        )));
    }
    (0..space)
        .map(|i| {
            let (input, window) = (lhs[dimensions.lhs[i + 2]], rhs[dimensions.rhs[i + 2]]);
            let dilated = |size: usize, dilation: usize| {
                size.saturating_sub(1).checked_mul(dilation)?.checked_add(size.min(1))
            };
            let sizes = dilated(input, lhs_dilation[i]).zip(dilated(window, rhs_dilation[i]));
            let (length, reach) = sizes.ok_or_else(|| Error::invalid_argument("dilated sizes overflow"))?;
            let [before, after] = match attributes.padding.as_str() {
                "EXPLICIT" => [attributes.explicit[2 * i] as usize, attributes.explicit[2 * i + 1] as usize],
                "VALID" => [0, 0],
                _ => {
                    let last = (length.div_ceil(strides[i]) * strides[i]).saturating_add(reach);
                    let total = last.saturating_sub(length.saturating_add(strides[i]));
                    [total / 2, total - total / 2]
                }
            };
            let padded = length.checked_add(before).and_then(|sum| sum.checked_add(after));
            // A window that is larger by less than a stride lies nowhere; a larger one is refused.
            let room = padded.and_then(|padded| padded.checked_add(strides[i])?.checked_sub(reach));
            let room = room.or_else(|| (padded? + 2 * strides[i] > reach).then_some(0));
            let output =
                room.ok_or_else(|| Error::invalid_argument("the window is larger than the padded image"))?;
            Ok(Side {
                input,
                window,
                output: output / strides[i],
                stride: strides[i],
                lhs_dilation: lhs_dilation[i],
                rhs_dilation: rhs_dilation[i],
                before,
            })
        })
        .collect()
}

/// Elements in another order of dimensions: dimension `i` of the result is dimension `order[i]`.
pub fn transpose<T: Copy>(data: &[T], shape: &[usize], order: &[usize]) -> Vec<T> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    (0..data.len())
        .map(|index| {
            let mut rest = index;
            let place = order.iter().rev().fold(0, |place, &axis| {
                let at = rest % shape[axis];
                rest /= shape[axis];
                place + at * strides[axis]
            });
            data[place]
        })
        .collect()
}

/// The result in its own order of dimensions.
pub fn ordered<T: Copy>(values: &[T], plan: &Plan) -> Vec<T> {
    let shape = plan.shape();
    let sizes: Vec<usize> = plan.dimensions.out.iter().map(|&axis| shape[axis]).collect();
    let mut back = vec![0; sizes.len()];
    plan.dimensions.out.iter().enumerate().for_each(|(i, &axis)| back[axis] = i);
    transpose(values, &sizes, &back)
}
