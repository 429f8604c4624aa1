//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use super::{Canvas, bmp, contents, gif, jpeg, png::Png, webp};

/// Decodes JPEG, PNG, GIF, BMP and WebP.
///
/// What the file is decides, not the name of the operator: only bitmaps need theirs or `DecodeImage`. The result is
/// `[height, width, channels]`; `DecodeGif`, animations and WebP give frames as well, except where `DecodeImage` is told
/// not to. 0 channels are the file's own.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DecodeImage>
pub const OPS: &[Op] = &[
    Op {
        name: "DecodeJpeg",
        inputs: &["contents: string"],
        outputs: &["image: uint8"],
        attrs: &[
            "channels: int = 0",
            "ratio: int = 1",
            "fancy_upscaling: bool = true",
            "try_recover_truncated: bool = false",
            "acceptable_fraction: float = 1.0",
            "dct_method: string = ''",
        ],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "DecodeAndCropJpeg",
        inputs: &["contents: string", "crop_window: int32"],
        outputs: &["image: uint8"],
        attrs: &[
            "channels: int = 0",
            "ratio: int = 1",
            "fancy_upscaling: bool = true",
            "try_recover_truncated: bool = false",
            "acceptable_fraction: float = 1.0",
            "dct_method: string = ''",
        ],
        effect: Effect::Pure,
        shape: crop_shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "DecodePng",
        inputs: &["contents: string"],
        outputs: &["image: dtype"],
        attrs: &["channels: int = 0", "dtype: {uint8, uint16} = DT_UINT8"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("dtype", &[DType::Uint8, DType::Uint16])], build),
    },
    Op {
        name: "DecodeGif",
        inputs: &["contents: string"],
        outputs: &["image: uint8"],
        attrs: &[],
        effect: Effect::Pure,
        shape: |_| Ok(vec![PartialShape::new([None, None, None, Some(3)])]),
        kernels: Kernels::one(build),
    },
    Op {
        name: "DecodeBmp",
        inputs: &["contents: string"],
        outputs: &["image: uint8"],
        attrs: &["channels: int = 0"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "DecodeWebP",
        inputs: &["contents: string"],
        outputs: &["image: dtype"],
        attrs: &["channels: int = 0", "dtype: {uint8} = DT_UINT8"],
        effect: Effect::Pure,
        shape: savedmodel_op::shape::unknown,
        kernels: Kernels::one(build),
    },
    Op {
        name: "DecodeImage",
        inputs: &["contents: string"],
        outputs: &["image: dtype"],
        attrs: &[
            "channels: int = 0",
            "dtype: {uint8, uint16, float} = DT_UINT8",
            "expand_animations: bool = true",
        ],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("dtype", &[DType::Uint8, DType::Uint16, DType::Float])], build),
    },
];

/// One image, unless animations may come as frames.
fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    if ctx.attr("expand_animations") == Some(true) {
        return Ok(vec![PartialShape::unknown()]);
    }
    let channels = ctx.attr::<usize>("channels").filter(|&channels| channels > 0);
    Ok(vec![PartialShape::new([None, None, channels])])
}

/// The wanted part.
fn crop_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let window = ctx.integers(1).unwrap_or_default();
    let side = |i: usize| window.get(i).and_then(|&side| usize::try_from(side).ok());
    let channels = ctx.attr::<usize>("channels").filter(|&channels| channels > 0);
    Ok(vec![PartialShape::new([side(2), side(3), channels])])
}

/// What a node asks for.
struct Decode {
    op: String,
    channels: usize,
    dtype: DType,
    expand_animations: bool,
    jpeg: jpeg::Options,
}

fn jpeg_options(node: &Construction<'_>) -> Result<jpeg::Options> {
    let ratio: i64 = node.attr("ratio")?;
    if ![1, 2, 4, 8].contains(&ratio) {
        return Err(Error::invalid_argument(format!("ratio must be 1, 2, 4, or 8, got {ratio}")));
    }
    let method: String = node.attr("dct_method")?;
    let accurate = match method.as_str() {
        "" | "INTEGER_FAST" => false,
        "INTEGER_ACCURATE" => true,
        _ => {
            return Err(Error::invalid_argument(
                "dct_method must be one of {'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}",
            ));
        }
    };
    Ok(jpeg::Options {
        channels: 0,
        ratio: ratio as usize,
        fancy: node.attr("fancy_upscaling")?,
        accurate,
        recover: node.attr("try_recover_truncated")?,
        fraction: node.attr("acceptable_fraction")?,
        crop: None,
    })
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let op = node.op().to_owned();
    let channels = if op == "DecodeGif" { 3 } else { node.attr::<i64>("channels")? };
    if ![0, 1, 3, 4].contains(&channels) {
        return Err(Error::invalid_argument(format!("`channels` must be 0, 1, 3 or 4 but got {channels}")));
    }
    let expand_animations = op != "DecodeImage" || node.attr("expand_animations")?;
    let jpeg = match op.as_str() {
        "DecodeJpeg" | "DecodeAndCropJpeg" => jpeg_options(node)?,
        _ => jpeg::Options::default(),
    };
    let decode = Decode { op, channels: channels as usize, dtype: node.outputs[0], expand_animations, jpeg };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let file = contents(ctx, |shape| format!("`contents` must be scalar but got shape{shape}"))?;
        if file.is_empty() {
            return Err(Error::invalid_argument("Input is empty."));
        }
        if file.len() > i32::MAX as usize {
            return Err(Error::invalid_argument(format!(
                "Input contents are too large for int: {}",
                file.len()
            )));
        }
        let image = decode.file(ctx, file)?;
        ctx.set(0, image);
        Ok(())
    }))
}

/// Top, left, height and width of the wanted part.
fn crop_window(window: &Tensor) -> Result<[i32; 4]> {
    let shape = window.shape();
    if shape.rank() != 1 {
        return Err(Error::invalid_argument(format!("crop_window must be 1-D, got shape {shape}")));
    }
    let window = <[i32; 4]>::try_from(window.as_slice::<i32>()?);
    window.map_err(|_| Error::invalid_argument(format!("crop_size must have four elements {shape}")))
}

impl Decode {
    fn file(&self, ctx: &Context<'_>, file: &[u8]) -> Result<Tensor> {
        let canvas = Canvas::of(ctx);
        if file.starts_with(b"\xff\xd8\xff") {
            self.jpeg(ctx, file)
        } else if file.starts_with(b"\x89PNG\r\n\x1a\n") {
            self.png(canvas, file)
        } else if file.starts_with(b"GIF8") {
            self.gif(canvas, file)
        } else if file.starts_with(b"BM") {
            self.bmp(canvas, file)
        } else if file.len() > 12 && file.starts_with(b"RIFF") && &file[8..12] == b"WEBP" {
            self.webp(canvas, file)
        } else if file.starts_with(b"\xff\x0a") || file.starts_with(b"\0\0\0\x0cJXL \r\n\x87\n") {
            Err(Error::unimplemented(format!("operator {} does not decode JPEG XL", self.op)))
        } else {
            Err(Error::invalid_argument(
                "Unknown image file format. One of JPEG, JPEG XL, PNG, GIF, BMP, WebP required.",
            ))
        }
    }

    fn jpeg(&self, ctx: &Context<'_>, file: &[u8]) -> Result<Tensor> {
        if self.channels == 4 {
            return Err(Error::invalid_argument("JPEG does not support 4 channels"));
        }
        let mut options = jpeg::Options { channels: self.channels, ..self.jpeg };
        if self.op == "DecodeAndCropJpeg" {
            options.crop = Some(crop_window(ctx.input(1))?);
        } else if self.op == "DecodeBmp" {
            self.refuse("JPEG", "decode_jpeg")?;
        }
        let canvas = Canvas::of(ctx);
        let image = self.convert(canvas, jpeg::decode(canvas, file, &options)?)?;
        match (self.op.as_str(), image.shape().dims()) {
            ("DecodeGif", &[height, width, channels]) => image.reshape([1, height, width, channels]),
            _ => Ok(image),
        }
    }

    fn png(&self, canvas: Canvas<'_>, file: &[u8]) -> Result<Tensor> {
        let png = Png::open(file, self.channels, canvas.limit())?;
        self.refuse("PNG", "decode_png")?;
        let [height, width] = png.size;
        let channels = png.channels;
        let image = match self.dtype {
            DType::Float => {
                let image = png.decode(canvas, DType::Uint16)?;
                let mut floats = canvas.allocate(DType::Float, image.shape())?;
                let samples = floats.as_mut_slice::<f32>()?.iter_mut().zip(image.as_slice::<u16>()?);
                samples.for_each(|(to, &from)| *to = f32::from(from) * (1.0 / 65535.0));
                floats
            }
            dtype => png.decode(canvas, dtype)?,
        };
        match self.op == "DecodeGif" {
            true => image.reshape([1, height, width, channels]),
            false => Ok(image),
        }
    }

    fn gif(&self, canvas: Canvas<'_>, file: &[u8]) -> Result<Tensor> {
        if ![0, 3].contains(&self.channels) {
            let channels = self.channels;
            return Err(Error::invalid_argument(format!("channels must be 0 or 3 for GIF, got {channels}")));
        }
        self.refuse("GIF", "decode_gif")?;
        let frames = gif::decode(canvas, file, self.expand_animations)?;
        let &[count, height, width, channels] = frames.shape().dims() else {
            return Err(Error::internal("frames of four dimensions"));
        };
        let single = match self.op.as_str() {
            "DecodePng" | "DecodeJpeg" if count != 1 => {
                return Err(Error::invalid_argument(format!(
                    "Got {count} frames, but animated gifs can only be decoded by tf.io.decode_gif or \
                     tf.io.decode_image"
                )));
            }
            "DecodePng" | "DecodeJpeg" => true,
            "DecodeGif" => false,
            "DecodeImage" => !self.expand_animations,
            other => return Err(Error::invalid_argument(format!("Bad op type {other}"))),
        };
        let image = if single { frames.reshape([height, width, channels])? } else { frames };
        self.convert(canvas, image)
    }

    fn bmp(&self, canvas: Canvas<'_>, file: &[u8]) -> Result<Tensor> {
        if self.channels == 1 {
            return Err(Error::invalid_argument("`channels` must be 0, 3 or 4 for BMP, but got 1"));
        }
        match self.op.as_str() {
            "DecodeBmp" | "DecodeImage" => {}
            "DecodeAndCropJpeg" => self.refuse("BMP", "decode_bmp")?,
            other => {
                return Err(Error::invalid_argument(format!(
                    "Trying to decode BMP format using a wrong op. Use `decode_bmp` or `decode_image` instead. \
                     Op used: {other}"
                )));
            }
        }
        self.convert(canvas, bmp::decode(canvas, file, self.channels)?)
    }

    fn webp(&self, canvas: Canvas<'_>, file: &[u8]) -> Result<Tensor> {
        if self.channels != 1 && self.dtype != DType::Uint8 {
            return Err(Error::invalid_argument("WebP only supports uint8 for dtype"));
        }
        let frames = webp::decode(canvas, file, self.channels, self.expand_animations)?;
        if self.expand_animations {
            return Ok(frames);
        }
        let image = frames.shape()[1..].to_vec();
        frames.reshape(image)
    }

    /// Refuses files that some operators don't take.
    fn refuse(&self, format: &str, function: &str) -> Result<()> {
        match self.op.as_str() {
            "DecodeBmp" => Err(Error::invalid_argument(format!(
                "Trying to decode {format} format using DecodeBmp op. Use `{function}` or `decode_image` instead."
            ))),
            "DecodeAndCropJpeg" => Err(Error::invalid_argument(format!(
                "DecodeAndCropJpeg operation can run on JPEG only, but detected {format}."
            ))),
            _ => Ok(()),
        }
    }

    /// Samples of eight bits in the wanted dtype.
    fn convert(&self, canvas: Canvas<'_>, image: Tensor) -> Result<Tensor> {
        let samples = image.as_slice::<u8>()?;
        let mut output = match self.dtype {
            DType::Uint8 => return Ok(image),
            dtype => canvas.allocate(dtype, image.shape())?,
        };
        match self.dtype {
            DType::Uint16 => {
                let out = output.as_mut_slice::<u16>()?;
                out.iter_mut().zip(samples).for_each(|(to, &from)| *to = u16::from(from) << 8);
            }
            _ => {
                let out = output.as_mut_slice::<f32>()?;
                out.iter_mut().zip(samples).for_each(|(to, &from)| *to = f32::from(from) * (1.0 / 255.0));
            }
        }
        Ok(output)
    }
}

#[cfg(test)]
mod tests;
