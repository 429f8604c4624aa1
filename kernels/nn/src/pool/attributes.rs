//! What the pooling operators have in common.

use savedmodel_op::{Construction, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};

use crate::layout::{assemble, format_of, is_channels_first, partial};
use crate::window::{self, Dim, Padding, UNIT};

/// How windows move.
#[derive(Clone, Debug)]
pub struct Attributes {
    /// Number of spatial dimensions, 2 or 3.
    pub spatial: usize,
    /// Whether channels come before the spatial dimensions.
    pub channels_first: bool,
    /// Window and stride: depth, height, width.
    steps: [[usize; 2]; 3],
    /// Channels that fall into one.
    pub depth_window: usize,
    depth_stride: usize,
    padding: Padding,
}

impl Attributes {
    /// Reads a node; `bad_window` words the error for windows without cells.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for impossible windows, `UNIMPLEMENTED` for windows over images.
    pub fn of(
        node: &Construction<'_>,
        spatial: usize,
        bad_window: fn(&[i64]) -> String,
    ) -> Result<Attributes> {
        let channels_first = channels_first(node)?;
        let padding = window::padding(node, spatial, channels_first)?;
        let steps = [node.attr("ksize")?, node.attr("strides")?];
        Attributes::new(spatial, channels_first, steps, padding, bad_window)
    }

    /// [`Attributes::of`] with the values of the attributes `ksize` and `strides`.
    ///
    /// # Errors
    /// As [`Attributes::of`].
    pub fn new(
        spatial: usize,
        channels_first: bool,
        [windows, strides]: [Vec<i64>; 2],
        padding: Padding,
        bad_window: fn(&[i64]) -> String,
    ) -> Result<Attributes> {
        let rank = spatial + 2;
        for (name, values) in [("ksize", &windows), ("stride", &strides)] {
            if values.len() != rank {
                return Err(Error::invalid_argument(format!(
                    "Sliding window {name} field must specify {rank} dimensions"
                )));
            }
        }
        if let Some(value) = windows.iter().chain(&strides).find(|&&v| i32::try_from(v).is_err()) {
            return Err(Error::invalid_argument(format!("{value} is out of range for an int32")));
        }
        if windows.iter().any(|&v| v <= 0) {
            return Err(Error::invalid_argument(bad_window(&windows)));
        }
        if let Some(stride) = strides[1..].iter().find(|&&v| v <= 0) {
            return Err(Error::invalid_argument(format!("Stride must be > 0, but got {stride}")));
        }
        if [windows[0], strides[0]] != [1, 1] {
            return Err(Error::unimplemented("Pooling is not yet supported on the batch dimension."));
        }
        let first = if channels_first { 2 } else { 1 };
        let channels = if channels_first { 1 } else { rank - 1 };
        let mut steps = [[1, 1]; 3];
        for (axis, step) in steps[3 - spatial..].iter_mut().enumerate() {
            *step = [windows[first + axis] as usize, strides[first + axis] as usize];
        }
        let (depth_window, depth_stride) = (windows[channels] as usize, strides[channels] as usize);
        Ok(Attributes { spatial, channels_first, steps, depth_window, depth_stride, padding })
    }

    /// The windows over an input.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a window does not fit, or lies in the padding alone.
    pub fn dims(&self, input: [usize; 3]) -> Result<[Dim; 3]> {
        let mut dims = [UNIT; 3];
        let unused = 3 - self.spatial;
        for axis in unused..3 {
            dims[axis] = self.dim(axis - unused, input[axis])?;
        }
        if let Padding::Explicit(cells) = &self.padding {
            let names = [["Top", "Bottom"], ["Left", "Right"]];
            for ((cells, names), dim) in cells.iter().zip(names).zip(&dims[unused..]) {
                for (cells, name) in cells.iter().zip(names) {
                    if *cells >= dim.window {
                        return Err(Error::invalid_argument(format!(
                            "{name} padding {cells} needs to be smaller than the window size {}",
                            dim.window
                        )));
                    }
                }
            }
        }
        Ok(dims)
    }

    fn dim(&self, axis: usize, input: usize) -> Result<Dim> {
        let [window, stride] = self.steps[axis + 3 - self.spatial];
        Dim::new(input, window, [stride, 1], &self.padding, axis)
    }

    fn inferred(&self, axis: usize, input: usize) -> Result<usize> {
        let [window, stride] = self.steps[axis + 3 - self.spatial];
        Dim::inferred(input, window, [stride, 1], &self.padding, axis)
    }

    /// Whether windows are of one cell in space.
    pub fn is_pointwise(&self) -> bool {
        self.steps.iter().all(|[window, _]| *window == 1)
    }

    /// Checks the windows over channels, of which at most whole ones are taken.
    ///
    /// # Errors
    /// `UNIMPLEMENTED` as TensorFlow's.
    pub fn check_depth(&self, channels: usize) -> Result<()> {
        let text = if !self.is_pointwise() {
            "MaxPooling supports exactly one of pooling across depth or pooling across width/height."
        } else if !channels.is_multiple_of(self.depth_window) {
            "Depthwise max pooling requires the depth window to evenly divide the input depth"
        } else if self.depth_window != self.depth_stride {
            "Depthwise max pooling requires the depth window to equal the depth stride"
        } else {
            return Ok(());
        };
        Err(Error::unimplemented(text))
    }

    /// Refuses windows over channels, with strides over them if `strides`.
    ///
    /// # Errors
    /// `UNIMPLEMENTED` with the text; `INVALID_ARGUMENT` when channels come first.
    pub fn refuse_depth(&self, strides: bool, text: &str) -> Result<()> {
        if self.depth_window == 1 && (!strides || self.depth_stride == 1) {
            return Ok(());
        }
        // TensorFlow's plain kernels say that they take no other format before they look at windows.
        match self.channels_first {
            true => Err(Error::invalid_argument(text)),
            false => Err(Error::unimplemented(text)),
        }
    }
}

/// Whether the node's `data_format`, if it has one, puts channels first.
///
/// # Errors
/// `UNIMPLEMENTED` for channels in vectors.
pub fn channels_first(node: &Construction<'_>) -> Result<bool> {
    if node.attrs().get("data_format").is_none() {
        return Ok(false);
    }
    let format: String = node.attr("data_format")?;
    if format == "NCHW_VECT_C" {
        return Err(node.no_kernel("data_format"));
    }
    Ok(is_channels_first(&format))
}

/// The error for an input of the wrong rank, in two dimensions.
///
/// # Errors
/// `INVALID_ARGUMENT` unless the rank is 4.
pub fn check_rank(input: &Shape, channels_first: bool) -> Result<()> {
    if input.rank() != 4 {
        return Err(Error::invalid_argument(format!(
            "tensor_in_shape must have 2 spatial dimensions. {} {}",
            input.rank(),
            u8::from(channels_first)
        )));
    }
    Ok(())
}

/// The shape of pooled input 0, for every output, from the attributes or `steps`.
///
/// # Errors
/// `INVALID_ARGUMENT` for other ranks and for windows that don't fit.
pub fn shape(ctx: &ShapeContext<'_>, spatial: usize) -> Result<Vec<PartialShape>> {
    let list = |name: &str| ctx.attr::<Vec<i64>>(name).unwrap_or_default();
    shape_of(ctx, spatial, Some([list("ksize"), list("strides")]))
}

/// [`shape`] with the values of `ksize` and `strides`, if known.
///
/// # Errors
/// As [`shape`].
pub fn shape_of(
    ctx: &ShapeContext<'_>,
    spatial: usize,
    steps: Option<[Vec<i64>; 2]>,
) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let channels_first = format_of(ctx);
    if input.rank().is_some_and(|rank| rank != spatial + 2) {
        return Err(Error::invalid_argument(format!("tensor_in must be {}-dimensional", spatial + 2)));
    }
    let Some(mut steps) = steps else {
        return Ok(vec![PartialShape::of_rank(spatial + 2); ctx.outputs]);
    };
    let name: String = ctx.attr("padding").unwrap_or_default();
    let cells: Vec<i64> = ctx.attr("explicit_paddings").unwrap_or_default();
    let padding = window::explicit(&name, &cells, spatial, channels_first)?;
    // Windows over images are refused by the kernel, after all that is wrong with shapes.
    for step in steps.iter_mut().filter_map(|steps| steps.first_mut()).filter(|step| **step > 0) {
        *step = 1;
    }
    let attributes = Attributes::new(spatial, channels_first, steps, padding, |_| {
        "Sliding window ksize must be positive.".to_owned()
    })?;
    let (channels, space) = partial(&input, spatial, channels_first);
    let dims = space.iter().enumerate();
    let dims = dims.map(|(axis, input)| input.map(|input| attributes.inferred(axis, input)).transpose());
    let dims = dims.collect::<Result<Vec<_>>>()?;
    let channels = channels.map(|channels| channels / attributes.depth_window);
    let batch = input.dims().and_then(|dims| dims[0]);
    Ok(vec![assemble(batch, &dims, channels, channels_first); ctx.outputs])
}
