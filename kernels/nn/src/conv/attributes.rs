//! What the operators have in common.

use savedmodel_op::{Construction, ShapeContext};
use savedmodel_tensor::{Code, DType, Error, PartialShape, Result};

use crate::layout::{assemble, format_of, is_channels_first, partial};
use crate::window::{self, Dim, Padding, UNIT};

/// How a convolution moves over its input.
#[derive(Clone, Debug)]
pub struct Attributes {
    /// Number of spatial dimensions, 2 or 3.
    pub spatial: usize,
    /// Whether channels come before the spatial dimensions.
    pub channels_first: bool,
    /// Distance between windows and between cells of a window: depth, height, width.
    steps: [[usize; 2]; 3],
    padding: Padding,
}

impl Attributes {
    /// Reads a node; `code` is that of the error for steps over images or channels.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` as TensorFlow's, and `code`.
    pub fn of(node: &Construction<'_>, spatial: usize, code: Code) -> Result<Attributes> {
        let channels_first = match node.attrs().get("data_format") {
            Some(_) => is_channels_first(&node.attr::<String>("data_format")?),
            None => false,
        };
        let padding = window::padding(node, spatial, channels_first)?;
        let read = |attr: &str| node.attr::<Vec<i64>>(attr);
        Attributes::new(spatial, channels_first, [read("strides")?, read("dilations")?], padding, code)
    }

    fn new(
        spatial: usize,
        channels_first: bool,
        values: [Vec<i64>; 2],
        padding: Padding,
        code: Code,
    ) -> Result<Attributes> {
        let mut steps = [[1; 2]; 3];
        for (i, mut values) in values.into_iter().enumerate() {
            let name = ["stride", "dilation"][i];
            window::check_steps(["strides", "dilations"][i], &values)?;
            if values.len() != spatial + 2 {
                return Err(Error::invalid_argument(format!(
                    "Convolution requires the {name} attribute to contain {} values, but got: {}",
                    spatial + 2,
                    values.len()
                )));
            }
            let batch = values.remove(0);
            let channels = values.remove(if channels_first { 0 } else { spatial });
            for (step, &value) in steps[3 - spatial..].iter_mut().zip(&values) {
                step[i] = usize::try_from(value).ok().filter(|&v| v > 0).ok_or_else(|| {
                    let text = ["Stride must be > 0", "Dilation rate must be >= 1"][i];
                    Error::invalid_argument(format!("{text}, but got {value}"))
                })?;
            }
            if [batch, channels] != [1, 1] {
                return Err(Error::new(
                    code,
                    format!(
                        "Current implementation does not yet support {name}s in the batch and depth dimensions."
                    ),
                ));
            }
        }
        Ok(Attributes { spatial, channels_first, steps, padding })
    }

    /// Refuses, with `code`, what TensorFlow has for the types of its oneDNN kernels alone: channels that come first and,
    /// unless its plain kernel `dilates`, dilations.
    ///
    /// # Errors
    /// `code`.
    pub fn check_plain(&self, dtype: DType, dilates: bool, code: Code) -> Result<()> {
        let text = if matches!(dtype, DType::Float | DType::Half | DType::Bfloat16) {
            return Ok(());
        } else if self.channels_first {
            "channels that come first"
        } else if !dilates && self.steps.iter().any(|[_, dilation]| *dilation != 1) {
            "dilations"
        } else {
            return Ok(());
        };
        Err(Error::new(code, format!("{text} are not supported for {dtype} on processors")))
    }

    /// The same without distances between the cells of a window.
    pub fn without_dilations(mut self) -> Attributes {
        self.steps.iter_mut().for_each(|step| step[1] = 1);
        self
    }

    /// The windows of a filter over an input, each depth, height, width.
    ///
    /// # Errors
    /// As [`Dim::new`].
    pub fn dims(&self, input: [usize; 3], window: [usize; 3]) -> Result<[Dim; 3]> {
        let mut dims = [UNIT; 3];
        let unused = 3 - self.spatial;
        for axis in unused..3 {
            dims[axis] = self.dim(axis - unused, input[axis], window[axis])?;
        }
        Ok(dims)
    }

    /// Distance between cells of a window along a line.
    pub fn dilation_of_line(&self) -> usize {
        self.steps[2][1]
    }

    fn dim(&self, axis: usize, input: usize, window: usize) -> Result<Dim> {
        Dim::new(input, window, self.steps[axis + 3 - self.spatial], &self.padding, axis)
    }

    fn inferred(&self, axis: usize, input: usize, window: usize) -> Result<usize> {
        Dim::inferred(input, window, self.steps[axis + 3 - self.spatial], &self.padding, axis)
    }
}

/// The shape of a convolution of input 0 with the filter in input 1, whose last two dimensions are channels that
/// `channels` turns into those of the output.
///
/// # Errors
/// `INVALID_ARGUMENT` for other ranks and for windows that don't fit.
pub fn shape(
    ctx: &ShapeContext<'_>,
    spatial: usize,
    channels: fn(Option<usize>, Option<usize>) -> Option<usize>,
) -> Result<Vec<PartialShape>> {
    let (input, filter) = (ctx.input(0), ctx.input(1));
    let channels_first = format_of(ctx);
    for (name, shape) in [("input", &input), ("filter", &filter)] {
        if shape.rank().is_some_and(|rank| rank != spatial + 2) {
            return Err(rank_error(name, spatial, shape));
        }
    }
    let ints = |name: &str| ctx.attr::<Vec<i64>>(name).unwrap_or_default();
    let name: String = ctx.attr("padding").unwrap_or_default();
    let padding = window::of_attributes(&name, |attr| ctx.attr(attr), spatial, channels_first)?;
    // Whatever steps over images and channels are, it is the kernel that refuses them.
    let channels_at = if channels_first { 1 } else { spatial + 1 };
    let steps = [ints("strides"), ints("dilations")].map(|mut steps| {
        for at in [0, channels_at] {
            steps.get_mut(at).map(|step| *step = 1).unwrap_or_default();
        }
        steps
    });
    let attributes = Attributes::new(spatial, channels_first, steps, padding, Code::InvalidArgument)?;
    let (_, space) = partial(&input, spatial, channels_first);
    let (_, window) = partial(&filter, spatial, true);
    let window = if filter.dims().is_some() { filter_space(&filter, spatial) } else { window };
    let dims = space.iter().zip(&window).enumerate().map(|(axis, (&input, &window))| {
        let known = input.zip(window);
        known.map(|(input, window)| attributes.inferred(axis, input, window)).transpose()
    });
    let dims = dims.collect::<Result<Vec<_>>>()?;
    let batch = input.dims().and_then(|dims| dims[0]);
    Ok(vec![assemble(batch, &dims, channels(filter.dim(spatial), filter.dim(spatial + 1)), channels_first)])
}

fn filter_space(filter: &PartialShape, spatial: usize) -> Vec<Option<usize>> {
    (0..spatial).map(|axis| filter.dim(axis)).collect()
}

/// The error for a tensor of the wrong rank.
pub fn rank_error(name: &str, spatial: usize, shape: &dyn std::fmt::Display) -> Error {
    let rank = spatial + 2;
    Error::invalid_argument(format!("convolution {name} must be {rank}-dimensional: {shape}"))
}
