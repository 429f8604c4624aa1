//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Error, Result, Tensor};

use super::jpeg::{Settings, encode};

/// Encodes images of 1 or 3 channels as JPEG, byte for byte as libjpeg-turbo does.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EncodeJpeg>
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EncodeJpegVariableQuality>
pub const OPS: &[Op] = &[
    Op {
        name: "EncodeJpeg",
        inputs: &["image: uint8"],
        outputs: &["contents: string"],
        attrs: &[
            "format: {'', 'grayscale', 'rgb'} = ''",
            "quality: int = 95",
            "progressive: bool = false",
            "optimize_size: bool = false",
            "chroma_downsampling: bool = true",
            "density_unit: {'in', 'cm'} = 'in'",
            "x_density: int = 300",
            "y_density: int = 300",
            "xmp_metadata: string = ''",
        ],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::one(build),
    },
    Op {
        name: "EncodeJpegVariableQuality",
        inputs: &["images: uint8", "quality: int32"],
        outputs: &["contents: string"],
        attrs: &[],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::one(build_variable),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let format: String = node.attr("format")?;
    let density = [node.int32("x_density")?, node.int32("y_density")?];
    let settings = Settings {
        quality: quality(node.attr("quality")?)?,
        progressive: node.attr("progressive")?,
        optimize: node.attr("optimize_size")?,
        downsample: node.attr("chroma_downsampling")?,
        density_unit: if node.attr::<String>("density_unit")? == "cm" { 2 } else { 1 },
        density: density.map(|density| density as u16),
        metadata: node.attr::<Bytes>("xmp_metadata")?,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [height, width, channels] = size(ctx.input(0))?;
        let wanted = match format.as_str() {
            "grayscale" => 1,
            "rgb" => 3,
            _ => channels,
        };
        if channels != wanted {
            return Err(Error::invalid_argument(format!(
                "format {format} expects {wanted} channels, got {}",
                ctx.input(0).shape()
            )));
        }
        check_channels(ctx.input(0), channels)?;
        let file = encode(ctx.input(0).as_slice()?, [height, width, channels], &settings)?;
        ctx.set(0, Tensor::from_strings([], [file])?);
        Ok(())
    }))
}

fn build_variable(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let size = size(ctx.input(0))?;
        let wanted = ctx.input(1);
        if wanted.rank() != 0 {
            return Err(Error::invalid_argument(format!("quality must be scalar: {}", wanted.shape())));
        }
        let quality = quality(wanted.to_scalar::<i32>()?.into())?;
        check_channels(ctx.input(0), size[2])?;
        let settings = Settings { quality, ..Settings::default() };
        let file = encode(ctx.input(0).as_slice()?, size, &settings)?;
        ctx.set(0, Tensor::from_strings([], [file])?);
        Ok(())
    }))
}

fn quality(quality: i64) -> Result<u32> {
    match quality {
        0..=100 => Ok(quality as u32),
        _ => Err(Error::invalid_argument(format!("quality must be in [0,100], got {quality}"))),
    }
}

fn size(image: &Tensor) -> Result<[usize; 3]> {
    let size = <[usize; 3]>::try_from(image.shape().dims());
    let size =
        size.map_err(|_| Error::invalid_argument(format!("image must be 3-dimensional{}", image.shape())))?;
    if image.elements() >= i32::MAX as usize {
        return Err(Error::invalid_argument("Cannot encode images with >= max int32 elements"));
    }
    Ok(size)
}

fn check_channels(image: &Tensor, channels: usize) -> Result<()> {
    match channels {
        1 | 3 => Ok(()),
        _ => Err(Error::invalid_argument(format!("image must have 1 or 3 channels, got {}", image.shape()))),
    }
}
