//! Where batch, channels and space lie.

use std::borrow::Cow;

use savedmodel_math::par;
use savedmodel_op::ShapeContext;
use savedmodel_tensor::{Element, PartialShape, Result, Shape, Tensor};

/// Whether a `data_format` puts the channels before the spatial dimensions.
pub fn is_channels_first(data_format: &str) -> bool {
    data_format.starts_with("NC")
}

/// The sizes of a tensor of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Images {
    /// Number of images.
    pub batch: usize,
    /// Depth, height and width; the first are 1 when there are fewer.
    pub space: [usize; 3],
    /// Channels.
    pub channels: usize,
}

impl Images {
    /// Reads a shape of rank 3 to 5.
    ///
    /// # Panics
    /// When the rank is another.
    pub fn of(shape: &Shape, channels_first: bool) -> Images {
        let mut dims = shape.dims().to_vec();
        let channels = if channels_first { dims.remove(1) } else { dims.pop().unwrap_or(1) };
        let mut space = [1; 3];
        space[4 - dims.len()..].copy_from_slice(&dims[1..]);
        Images { batch: dims[0], space, channels }
    }

    /// The shape with this many spatial dimensions.
    pub fn shape(&self, spatial: usize, channels_first: bool) -> Shape {
        let space = self.space[3 - spatial..].iter().copied();
        let mut shape: Shape = std::iter::once(self.batch).chain(space).collect();
        shape.insert(if channels_first { 1 } else { spatial + 1 }, self.channels);
        shape
    }

    /// Pixels of one image.
    pub fn pixels(&self) -> usize {
        self.space.iter().product()
    }
}

/// Transposes each of the `rows` x `columns` matrices of `src` into `dst`.
///
/// # Panics
/// When the slices are not of equal length or not whole matrices.
pub fn transpose<T: Copy + Send + Sync>(src: &[T], dst: &mut [T], [rows, columns]: [usize; 2]) {
    const SIDE: usize = 32;
    assert_eq!(src.len(), dst.len());
    if src.is_empty() {
        return;
    }
    par::for_rows_mut(dst, rows, (1 << 16) / rows + 1, |first, dst| {
        for (block, dst) in dst.chunks_mut(SIDE * rows).enumerate() {
            for r0 in (0..rows).step_by(SIDE) {
                for (i, dst) in dst.chunks_exact_mut(rows).enumerate() {
                    let row = first + block * SIDE + i;
                    let (matrix, column) = (row / columns, row % columns);
                    let base = matrix * rows * columns + column;
                    for r in r0..rows.min(r0 + SIDE) {
                        dst[r] = src[base + r * columns];
                    }
                }
            }
        }
    });
}

/// The elements of a tensor with its channels innermost.
///
/// # Errors
/// When the dtype is another.
pub fn inner_channels<'a, T: Element>(
    tensor: &'a Tensor,
    images: &Images,
    channels_first: bool,
) -> Result<Cow<'a, [T]>> {
    let data = tensor.as_slice::<T>()?;
    if !channels_first || images.channels == 1 || images.pixels() == 1 {
        return Ok(data.into());
    }
    let mut inner = vec![T::default(); data.len()];
    transpose(data, &mut inner, [images.channels, images.pixels()]);
    Ok(inner.into())
}

/// Lets `compute` write with channels innermost, and puts them where the tensor has them.
///
/// # Errors
/// When the dtype is another.
pub fn with_layout<T: Element>(
    out: &mut Tensor,
    images: &Images,
    channels_first: bool,
    compute: impl FnOnce(&mut [T]),
) -> Result<()> {
    let out = out.as_mut_slice::<T>()?;
    if !channels_first || images.channels == 1 || images.pixels() == 1 {
        compute(out);
        return Ok(());
    }
    let mut inner = vec![T::default(); out.len()];
    compute(&mut inner);
    transpose(&inner, out, [images.pixels(), images.channels]);
    Ok(())
}

/// Channels and spatial dimensions of a partly known shape of rank `spatial + 2`; all unknown for another rank.
pub fn partial(
    shape: &PartialShape,
    spatial: usize,
    channels_first: bool,
) -> (Option<usize>, Vec<Option<usize>>) {
    let Some(dims) = shape.dims().filter(|dims| dims.len() == spatial + 2) else {
        return (None, vec![None; spatial]);
    };
    if channels_first {
        (dims[1], dims[2..].to_vec())
    } else {
        (dims[spatial + 1], dims[1..=spatial].to_vec())
    }
}

/// A partly known shape from its parts.
pub fn assemble(
    batch: Option<usize>,
    space: &[Option<usize>],
    channels: Option<usize>,
    channels_first: bool,
) -> PartialShape {
    let mut dims = vec![batch];
    dims.extend(space);
    dims.insert(if channels_first { 1 } else { dims.len() }, channels);
    PartialShape::new(dims)
}

/// Whether the node's `data_format`, if it has one, puts channels first.
pub fn format_of(ctx: &ShapeContext<'_>) -> bool {
    ctx.attr::<String>("data_format").is_some_and(|format| is_channels_first(&format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        for (dims, first, spatial) in [(vec![2, 5, 6, 3], false, 2), (vec![2, 3, 4, 5, 6], true, 3)] {
            let shape = Shape::from(dims);
            let images = Images::of(&shape, first);
            assert_eq!((images.channels, images.space[2]), (3, 6));
            assert_eq!(images.shape(spatial, first), shape);
        }
    }

    #[test]
    fn transposes() {
        for [matrices, rows, columns] in [[2, 3, 5], [1, 70, 33], [3, 1, 4], [2, 40, 1]] {
            let src: Vec<usize> = (0..matrices * rows * columns).collect();
            let mut dst = vec![0; src.len()];
            transpose(&src, &mut dst, [rows, columns]);
            let mut want = Vec::new();
            for m in 0..matrices {
                for c in 0..columns {
                    want.extend((0..rows).map(|r| m * rows * columns + r * columns + c));
                }
            }
            assert_eq!(dst, want);
        }
    }
}
