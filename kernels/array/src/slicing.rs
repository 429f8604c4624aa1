//! What `x[1:, ..., None, 3]` means: the specification that the strided-slice operators share.

use savedmodel_op::{Construction, Context, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};
use smallvec::SmallVec;

use crate::layout::{Axis, Layout, strides};

/// The bit masks of a strided slice; bit i stands for position i of the sparse specification.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Masks {
    begin: i64,
    end: i64,
    ellipsis: i64,
    new_axis: i64,
    shrink_axis: i64,
}

impl Masks {
    /// The masks of a node.
    pub fn of(node: &Construction<'_>) -> Result<Masks> {
        Ok(Masks {
            begin: node.int32("begin_mask")?,
            end: node.int32("end_mask")?,
            ellipsis: node.int32("ellipsis_mask")?,
            new_axis: node.int32("new_axis_mask")?,
            shrink_axis: node.int32("shrink_axis_mask")?,
        })
    }

    /// The masks of a node, for shape functions.
    pub fn known(ctx: &ShapeContext<'_>) -> Masks {
        let mask = |name| ctx.attr(name).unwrap_or(0);
        Masks {
            begin: mask("begin_mask"),
            end: mask("end_mask"),
            ellipsis: mask("ellipsis_mask"),
            new_axis: mask("new_axis_mask"),
            shrink_axis: mask("shrink_axis_mask"),
        }
    }
}

/// The sparse specification: one number for each position that is written; `None` if not known yet.
pub(crate) struct Spec {
    begin: Option<Vec<i64>>,
    end: Option<Vec<i64>>,
    stride: Option<Vec<i64>>,
    len: usize,
    masks: Masks,
}

impl Spec {
    /// The specification in three inputs, of which `first` is the first.
    pub fn of(ctx: &Context<'_>, first: usize, masks: Masks) -> Result<Spec> {
        let parts = [ctx.input(first), ctx.input(first + 1), ctx.input(first + 2)];
        let len = parts[0].elements();
        if len >= 32 || parts.iter().any(|part| part.rank() != 1 || part.elements() != len) {
            return Err(Error::invalid_argument(format!(
                "Expected begin, end, and strides to be 1D equal size tensors, but got shapes {}, {}, and {} instead.",
                parts[0].shape(),
                parts[1].shape(),
                parts[2].shape()
            )));
        }
        let [begin, end, stride] = parts.map(|part| part.to_i64s());
        Ok(Spec { begin: Some(begin?), end: Some(end?), stride: Some(stride?), len, masks })
    }

    /// What is known of the specification before the node runs; `None` if not even its length is.
    pub fn known(ctx: &ShapeContext<'_>, first: usize) -> Option<Spec> {
        let len = (first..first + 3).find_map(|i| ctx.input(i).dim(0))?;
        let values = |i| ctx.integers(i).filter(|values| values.len() == len);
        Some(Spec {
            begin: values(first),
            end: values(first + 1),
            stride: values(first + 2),
            len,
            masks: Masks::known(ctx),
        })
    }

    fn bit(&self, mask: i64, i: usize) -> bool {
        i < 32 && mask >> i & 1 == 1
    }
}

/// Where a dimension of the result comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Dim(usize),
    NewAxis,
    Shrunk,
}

/// The specification of one dimension of the input.
#[derive(Clone, Copy, Debug)]
struct Dim {
    begin: Option<i64>,
    end: Option<i64>,
    stride: Option<i64>,
    begin_mask: bool,
    end_mask: bool,
    shrink: bool,
}

const WHOLE: Dim =
    Dim { begin: Some(0), end: Some(0), stride: Some(1), begin_mask: true, end_mask: true, shrink: false };

/// A strided slice of a tensor of known shape.
#[derive(Debug)]
pub(crate) struct Slicing {
    /// First position along each dimension of the input.
    pub begin: SmallVec<[i64; 6]>,
    /// Step along each dimension of the input.
    pub stride: SmallVec<[i64; 6]>,
    /// Number of positions along each dimension of the input.
    pub size: Shape,
    /// The result's shape: sizes without shrunk and with new axes.
    pub shape: Shape,
}

impl Slicing {
    /// Resolves a specification against an input's shape.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for two ellipses, too many positions, a zero stride, an index that is out of bounds.
    pub fn new(spec: &Spec, input: &Shape) -> Result<Slicing> {
        let (dims, sources) = dense(spec, input.rank())?;
        let mut slicing = Slicing {
            begin: SmallVec::new(),
            stride: SmallVec::new(),
            size: Shape::scalar(),
            shape: Shape::scalar(),
        };
        for (i, dim) in dims.iter().enumerate() {
            let [Some(begin), Some(end), Some(stride)] = [dim.begin, dim.end, dim.stride] else {
                return Err(Error::internal("a strided slice without values"));
            };
            let (begin, size) = range(i, dim, (begin, end, stride), input[i] as i64)?;
            slicing.begin.push(begin);
            slicing.stride.push(stride);
            slicing.size.push(size);
        }
        slicing.shape = (sources.iter())
            .filter_map(|source| match *source {
                Source::Dim(i) => Some(slicing.size[i]),
                Source::NewAxis => Some(1),
                Source::Shrunk => None,
            })
            .collect();
        Ok(slicing)
    }

    /// Whether the slice is all of a tensor of this shape, in order.
    pub fn is_whole(&self, input: &Shape) -> bool {
        self.size == *input && self.is_plain_from(0)
    }

    /// The rows that the slice consists of, if it is whole rows in order.
    pub fn rows(&self, input: &Shape) -> Option<(usize, usize)> {
        let (&first, &size) = (self.begin.first()?, self.size.first()?);
        let whole = self.size[1..] == input[1..] && self.is_plain_from(1) && self.stride[0] == 1;
        whole.then_some((first as usize, first as usize + size))
    }

    fn is_plain_from(&self, from: usize) -> bool {
        (from..self.size.rank()).all(|i| self.stride[i] == 1 || self.size[i] <= 1)
    }

    /// Where the elements of the slice lie in a tensor of shape `input`.
    pub fn layout(&self, input: &Shape) -> Layout {
        let own = strides(input);
        if self.size.elements() == 0 {
            return Layout::new(0, [Axis { len: 0, stride: 1 }]);
        }
        let start = (0..self.begin.len()).map(|i| self.begin[i] as usize * own[i] as usize).sum();
        let axis = |i: usize| {
            // A single position may have any stride; it must not overflow.
            let step = if self.size[i] > 1 { self.stride[i] as isize } else { 1 };
            Axis { len: self.size[i], stride: step * own[i] }
        };
        Layout::new(start, (0..self.begin.len()).map(axis))
    }
}

/// What is known of a slice's shape when the input's shape or the specification is known in part.
///
/// # Errors
/// As [`Slicing::new`].
pub(crate) fn partial(spec: &Spec, input: &PartialShape) -> Result<PartialShape> {
    let Some(dims) = input.dims() else { return Ok(PartialShape::unknown()) };
    let (dense, sources) = dense(spec, dims.len())?;
    let mut sizes = Vec::with_capacity(dims.len());
    for (i, dim) in dense.iter().enumerate() {
        let whole = dim.begin_mask && dim.end_mask && !dim.shrink;
        let begin = dim.begin.or(whole.then_some(0));
        let end = dim.end.or(whole.then_some(0));
        sizes.push(match (dims[i], begin, end, dim.stride) {
            (Some(size), Some(begin), Some(end), Some(stride)) => {
                Some(range(i, dim, (begin, end, stride), size as i64)?.1)
            }
            _ => None,
        });
    }
    let known = sources.iter().filter_map(|source| match *source {
        Source::Dim(i) => Some(sizes[i]),
        Source::NewAxis => Some(Some(1)),
        Source::Shrunk => None,
    });
    Ok(PartialShape::new(known))
}

/// Spreads the sparse specification over the dimensions of the input.
fn dense(spec: &Spec, rank: usize) -> Result<(Vec<Dim>, Vec<Source>)> {
    let masks = spec.masks;
    // Bits beyond the specification count too.
    if (masks.ellipsis as u32).count_ones() > 1 {
        return Err(Error::invalid_argument("Multiple ellipses in slice spec not allowed"));
    }
    // Without an ellipsis one stands at the end.
    let ellipsis = (0..spec.len).find(|&i| spec.bit(masks.ellipsis, i)).unwrap_or(spec.len);
    let added_after = (ellipsis + 1..spec.len).filter(|&i| spec.bit(masks.new_axis, i)).count();
    let mut dims = Vec::with_capacity(rank);
    let mut sources = Vec::with_capacity(rank);
    for i in 0..spec.len.max(ellipsis + 1) {
        if i == ellipsis {
            let len = spec.len.max(ellipsis + 1);
            let next = (rank + i + 1 + added_after).saturating_sub(len).min(rank);
            while dims.len() < next {
                sources.push(Source::Dim(dims.len()));
                dims.push(WHOLE);
            }
        } else if spec.bit(masks.new_axis, i) {
            sources.push(Source::NewAxis);
        } else {
            if dims.len() == rank {
                return Err(Error::invalid_argument(format!(
                    "Index out of range using input dim {rank}; input has only {rank} dims"
                )));
            }
            let at = |values: &Option<Vec<i64>>| values.as_ref().map(|values| values[i]);
            let shrink = spec.bit(masks.shrink_axis, i);
            sources.push(if shrink { Source::Shrunk } else { Source::Dim(dims.len()) });
            dims.push(Dim {
                begin: at(&spec.begin),
                end: at(&spec.end),
                stride: at(&spec.stride),
                begin_mask: spec.bit(masks.begin, i),
                end_mask: spec.bit(masks.end, i),
                shrink,
            });
        }
    }
    Ok((dims, sources))
}

/// First position and number of positions along dimension `i`, which is `size` long.
fn range(i: usize, dim: &Dim, (begin, end, stride): (i64, i64, i64), size: i64) -> Result<(i64, usize)> {
    if stride == 0 {
        return Err(Error::invalid_argument(format!("strides[{i}] must be non-zero")));
    }
    if dim.shrink && stride <= 0 {
        return Err(Error::invalid_argument("only stride 1 allowed on non-range indexing."));
    }
    let from_front = |x: i64| if x < 0 { x + size } else { x };
    if dim.shrink {
        let at = from_front(begin);
        if !(0..size).contains(&at) {
            return Err(Error::invalid_argument(format!("slice index {at} of dimension {i} out of bounds.")));
        }
        return Ok((at, 1));
    }
    let (least, most) = if stride > 0 { (0, size) } else { (-1, size - 1) };
    let (near, far) = if stride > 0 { (least, most) } else { (most, least) };
    let begin = if dim.begin_mask { near } else { from_front(begin).clamp(least, most) };
    let end = if dim.end_mask { far } else { from_front(end).clamp(least, most) };
    let length = end - begin;
    if length == 0 || (length < 0) != (stride < 0) {
        return Ok((begin.max(0), 0));
    }
    Ok((begin, (length / stride + i64::from(length % stride != 0)) as usize))
}
