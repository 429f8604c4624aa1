//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, bf16, f16};

use crate::conv::element::Convolve;
use crate::conv::forward::Sizes;
use crate::conv::kernel::window;
use crate::layout::{Images, inner_channels, with_layout};
use crate::plain_conv::{self, Moves, steps};
use crate::window::explicit;

/// Convolves images or volumes, as many as the product of the first `batch_dims` dimensions, with a filter
/// `[…, channels, outputs]`.
///
/// Channels may come before the spatial dimensions and volumes may be padded explicitly or have dilated windows, which
/// TensorFlow leaves to other devices.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Conv>
pub const OP: Op = Op {
    name: "Conv",
    inputs: &["input: T", "filter: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: {half, bfloat16, float, double, int32}",
        "strides: list(int)",
        "padding: {'SAME', 'VALID', 'EXPLICIT'}",
        "explicit_paddings: list(int) = []",
        "data_format: {'CHANNELS_FIRST', 'CHANNELS_LAST'} = 'CHANNELS_LAST'",
        "dilations: list(int) = []",
        "batch_dims: int = 1",
        "groups: int = 1",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i32),
};

#[derive(Default)]
struct Attributes {
    strides: Vec<i64>,
    padding: String,
    explicit: Vec<i64>,
    channels_first: bool,
    dilations: Vec<i64>,
    batch_dims: i64,
}

impl Attributes {
    /// The first spatial dimension, and how many there are.
    fn space(&self, rank: usize) -> Result<(usize, usize)> {
        let batch_dims = usize::try_from(self.batch_dims).ok();
        let space = batch_dims.and_then(|batch| Some((batch, rank.checked_sub(batch + 1)?)));
        match space {
            Some((batch, spatial @ 2..=3)) => Ok((batch + usize::from(self.channels_first), spatial)),
            _ => Err(Error::invalid_argument(format!(
                "The input must have 2 or 3 spatial dimensions but has rank {rank} and {} batch dimensions",
                self.batch_dims
            ))),
        }
    }

    fn moves(&self, spatial: usize) -> Result<Moves> {
        let dilations = match self.dilations.as_slice() {
            [] => [1; 3],
            given => steps("dilations", given, spatial, self.channels_first)?,
        };
        Ok(Moves {
            spatial,
            strides: steps("strides", &self.strides, spatial, self.channels_first)?,
            dilations,
            padding: explicit(&self.padding, &self.explicit, spatial, self.channels_first)?,
        })
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (input, filter) = (ctx.input(0), ctx.input(1));
    let Some(dims) = input.dims() else { return Ok(vec![PartialShape::unknown()]) };
    let ints = |name: &str| ctx.attr::<Vec<i64>>(name).unwrap_or_default();
    let attributes = Attributes {
        strides: ints("strides"),
        padding: ctx.attr("padding").unwrap_or_default(),
        explicit: ints("explicit_paddings"),
        channels_first: ctx.attr::<String>("data_format").is_some_and(|format| format == "CHANNELS_FIRST"),
        dilations: ints("dilations"),
        batch_dims: ctx.attr("batch_dims").unwrap_or(1),
    };
    let (first, spatial) = attributes.space(dims.len())?;
    let moves = attributes.moves(spatial)?;
    let mut dims = dims.to_vec();
    let sizes = moves.outputs(&dims[first..first + spatial], &filter)?;
    dims.splice(first..first + spatial, sizes);
    let channels = if attributes.channels_first { first - 1 } else { first + spatial };
    dims[channels] = filter.dim(spatial + 1);
    Ok(vec![PartialShape::new(dims)])
}

fn build<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let groups: i64 = node.attr("groups")?;
    if i32::try_from(groups).is_err() {
        return Err(Error::invalid_argument(format!(
            "Attr groups has value {groups} out of range for an int32"
        )));
    }
    if groups != 1 {
        return Err(Error::unimplemented("Grouped/Depthwise Convolutions are not supported yet."));
    }
    let attributes = Attributes {
        strides: node.attr("strides")?,
        padding: node.attr("padding")?,
        explicit: node.attr("explicit_paddings")?,
        channels_first: node.attr::<String>("data_format")? == "CHANNELS_FIRST",
        dilations: node.attr("dilations")?,
        batch_dims: node.attr("batch_dims")?,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let output = convolve::<T>(ctx, &attributes)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn convolve<T: Convolve>(ctx: &Context<'_>, attributes: &Attributes) -> Result<Tensor> {
    let (input, filter) = (ctx.input(0), ctx.input(1));
    let channels_first = attributes.channels_first;
    let (first, spatial) = attributes.space(input.rank())?;
    if filter.elements() == 0 {
        return Err(Error::invalid_argument(
            "filter must not have zero elements (i.e. all dimensions must be non-zero)",
        ));
    }
    if filter.rank() != spatial + 2 {
        return Err(Error::invalid_argument(format!(
            "The filter must be rank {} but got {}",
            spatial + 2,
            filter.rank()
        )));
    }
    let moves = attributes.moves(spatial)?;
    let batch_dims = first - usize::from(channels_first);
    let batches = Shape::from(&input.shape()[..batch_dims]);
    let flat: Shape = [batches.elements()].iter().chain(&input.shape()[batch_dims..]).copied().collect();
    let images = Images::of(&flat, channels_first);
    if images.channels != filter.shape()[spatial] {
        return Err(Error::invalid_argument(format!(
            "Input depth must be equal to filter depth: {} vs {}",
            images.channels,
            filter.shape()[spatial]
        )));
    }
    let dims = moves.dims(images.space, window(filter.shape()))?;
    let output = Images {
        batch: images.batch,
        space: dims.map(|dim| dim.output),
        channels: filter.shape()[spatial + 1],
    };
    let flat = output.shape(spatial, channels_first);
    // TensorFlow gives an empty result before it takes the batches apart again.
    let whole: Shape = match flat.elements() {
        0 => flat,
        _ => batches.iter().chain(&flat[1..]).copied().collect(),
    };
    let mut out = ctx.allocate(T::DTYPE, whole)?;
    let sizes = Sizes { input: images, output, dims, groups: 1 };
    let data = inner_channels::<T>(input, &images, channels_first)?;
    let mut done = Ok(());
    with_layout(&mut out, &output, channels_first, |out: &mut [T]| {
        done = plain_conv::run(&sizes, &data, filter, out);
    })?;
    done.map(|()| out)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let (valid, filter) = ("strides=[1,1,1,1] padding=VALID", "float[2,2,1,1] 1 2 3 4");
        let image = format!("float[1,3,3,1] 1 2 3 4 5 6 7 8 9; {filter}");
        let rows = [
            (valid.into(), image.clone(), "float[1,2,2,1] 37 47 67 77"),
            (
                format!("{valid} batch_dims=0"),
                format!("float[3,3,1] 1 2 3 4 5 6 7 8 9; {filter}"),
                "float[2,2,1] 37 47 67 77",
            ),
            (
                format!("{valid} batch_dims=2"),
                format!("float[2,1,2,2,1] 1 2 3 4 5 6 7 8; {filter}"),
                "float[2,1,1,1,1] 30 70",
            ),
            (
                format!("{valid} data_format=CHANNELS_FIRST"),
                "int32[1,2,2,2] 1 2 3 4 5 6 7 8; int32[1,1,2,2] 1 2 3 4".into(),
                "int32[1,2,2,2] 16 20 24 28 22 28 34 40",
            ),
            (
                "strides=[1,2,2,1] padding=SAME dilations=[1,2,1,1]".into(),
                "half[1,2,2,1] 1 2 3 4; half[2,1,1,1] 1 10".into(),
                "half[1,1,1,1] 1",
            ),
            (
                "strides=[1,1,1,1,1] padding=VALID".into(),
                "double[1,2,2,2,1] 1 2 3 4 5 6 7 8; double[2,1,2,1,1] 1 2 3 4".into(),
                "double[1,1,2,1,1] 44 64",
            ),
            (
                "strides=[1,1,1,1] padding=EXPLICIT explicit_paddings=[0,0,1,0,0,2,0,0]".into(),
                "bfloat16[1,2,2,1] 1 2 3 4; bfloat16[2,2,1,1] 1 2 3 4".into(),
                "bfloat16[1,2,3,1] 11 6 0 30 14 0",
            ),
            (valid.into(), format!("float[0,3,3,1]; {filter}"), "float[0,2,2,1]"),
        ];
        let rows = rows.map(|(attrs, inputs, want): (String, String, _)| {
            let [attrs, inputs] = [attrs, inputs].map(|text| -> &'static str { text.leak() });
            ("Conv", attrs, inputs, want)
        });
        check_rows(crate::OPS, &rows);
    }

    #[test]
    fn errors() {
        let valid = "strides=[1,1,1,1] padding=VALID";
        let (image, filter) = ("float[1,2,2,1] 1 2 3 4", "float[1,1,1,1] 1");
        let row = |attrs: &str, input: &str, filter: &str, want: &'static str| {
            (attrs.to_owned(), format!("{input}; {filter}"), want)
        };
        let rows = [
            row(&format!("{valid} groups=2"), image, filter, "UNIMPLEMENTED: Grouped/Depthwise Convolutions"),
            row(valid, "float[1,2,1] 1 2", filter, "INVALID_ARGUMENT: The input must have 2 or 3 spatial"),
            row(
                &format!("{valid} batch_dims=-1"),
                image,
                filter,
                "INVALID_ARGUMENT: The input must have 2 or 3",
            ),
            row(valid, image, "float[1,1,1,0]", "INVALID_ARGUMENT: filter must not have zero elements"),
            row(valid, image, "float[1,1,1,1,1] 1", "INVALID_ARGUMENT: The filter must be rank 4 but got 5"),
            row(valid, image, "float[1,1,2,1] 1 1", "INVALID_ARGUMENT: Input depth must be equal to filter"),
            row("strides=[1,1] padding=VALID", image, filter, "INVALID_ARGUMENT: strides must specify 4"),
            row("strides=[2,1,1,1] padding=VALID", image, filter, "INVALID_ARGUMENT: Current implementation"),
            row(
                "strides=[1,0,1,1] padding=VALID",
                image,
                filter,
                "INVALID_ARGUMENT: strides should be larger",
            ),
            row(
                &format!("{valid} dilations=[1]"),
                image,
                filter,
                "INVALID_ARGUMENT: dilations must specify 4",
            ),
            row(
                &format!("{valid} explicit_paddings=[0,0,1,0,0,2,0,0]"),
                image,
                filter,
                "INVALID_ARGUMENT: explicit_paddings attribute must be empty",
            ),
            row(
                valid,
                image,
                "float[4,1,1,1] 1 2 3 4",
                "INVALID_ARGUMENT: Computed output size would be negative: -1",
            ),
        ];
        let rows = rows.map(|(attrs, inputs, want): (String, String, _)| {
            let [attrs, inputs] = [attrs, inputs].map(|text| -> &'static str { text.leak() });
            ("Conv", attrs, inputs, want)
        });
        check_rows(crate::OPS, &rows);
    }
}
