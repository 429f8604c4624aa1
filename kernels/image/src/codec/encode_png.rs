//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

/// Encodes images of 1 to 4 channels and 8 or 16 bits as PNG.
///
/// The bytes are those of another compressor than TensorFlow's, the images the same.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EncodePng>
pub const OP: Op = Op {
    name: "EncodePng",
    inputs: &["image: T"],
    outputs: &["contents: string"],
    attrs: &["compression: int = -1", "T: {uint8, uint16} = DT_UINT8"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", &[DType::Uint8, DType::Uint16])], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let images = ctx.input(0);
    let Some(dims) = images.dims() else { return Ok(vec![PartialShape::unknown()]) };
    Ok(vec![PartialShape::new(dims[..dims.len().saturating_sub(3)].iter().copied())])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let compression: i64 = node.attr("compression")?;
    let level = match compression {
        -1 => 6,
        0..=9 => compression as u8,
        _ => {
            return Err(Error::invalid_argument(format!(
                "compression should be in [-1,9], got {compression}"
            )));
        }
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let images = ctx.input(0);
        let shape = images.shape();
        let refuse = |text: String| Err(Error::invalid_argument(text));
        let &[ref batch @ .., height, width, channels] = shape.dims() else {
            return refuse(format!("images must be at least rank 3{shape}"));
        };
        if images.elements() >= i32::MAX as usize {
            return refuse("image cannot have >= int32 max elements".to_owned());
        }
        if width.saturating_mul(channels) >= i32::MAX as usize / 2 {
            return refuse("image too wide to encode".to_owned());
        }
        if !(1..=4).contains(&channels) {
            return refuse(format!("image must have 1, 2, 3, or 4 channels, got {channels}"));
        }
        let picture = Picture { size: [height, width], channels, depth: images.dtype(), level };
        let count: usize = batch.iter().product();
        let bytes = images.bytes().unwrap_or_default();
        let each = bytes.len().checked_div(count).unwrap_or(0);
        let files = par::map_chunks(count, par::grain(each as f64 * 20.0), |range| {
            range.map(|i| picture.encode(&bytes[i * each..][..each])).collect::<Vec<_>>()
        });
        let files: Vec<Option<Bytes>> = files.into_iter().flatten().collect();
        let bad: Vec<String> = (0..count).filter(|&i| files[i].is_none()).map(|i| i.to_string()).collect();
        if !bad.is_empty() {
            let bad = bad.join(", ");
            return Err(Error::internal(format!(
                "PNG encoding failed at the following flattened batch indices: {bad}"
            )));
        }
        let output = Tensor::from_strings(batch, files.into_iter().flatten())?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// What all images of a batch have in common.
pub struct Picture {
    /// Height and width.
    pub size: [usize; 2],
    /// 1 to 4.
    pub channels: usize,
    /// `uint8` or `uint16`.
    pub depth: DType,
    /// How much work goes into compression, up to 9.
    pub level: u8,
}

impl Picture {
    /// The file; `None` when the image is empty.
    pub fn encode(&self, pixels: &[u8]) -> Option<Bytes> {
        let [height, width] = self.size.map(|side| u32::try_from(side).ok());
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width?, height?);
        encoder.set_color(match self.channels {
            1 => png::ColorType::Grayscale,
            2 => png::ColorType::GrayscaleAlpha,
            3 => png::ColorType::Rgb,
            _ => png::ColorType::Rgba,
        });
        encoder.set_deflate_compression(match self.level {
            0 => png::DeflateCompression::NoCompression,
            level => png::DeflateCompression::Level(level),
        });
        if self.depth == DType::Uint8 {
            encoder.set_depth(png::BitDepth::Eight);
            encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels)).ok()?;
        } else {
            let swapped: Vec<u8> = pixels
                .as_chunks()
                .0
                .iter()
                .flat_map(|&sample| u16::from_ne_bytes(sample).to_be_bytes())
                .collect();
            encoder.set_depth(png::BitDepth::Sixteen);
            encoder.write_header().and_then(|mut writer| writer.write_image_data(&swapped)).ok()?;
        }
        Some(file.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::decode_image;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};

    /// Encodes an image and decodes it again.
    fn check(compression: i64, image: &str, want: &str) {
        let image = parse_tensor(image);
        let dtype = image.dtype();
        let file = OpTest::new(&OP).attr("compression", compression).input(image).run();
        let got = file.and_then(|file| {
            let decode = decode_image::OPS.iter().find(|op| op.name == "DecodePng").unwrap();
            OpTest::new(decode).attr("dtype", dtype).input(file[0].clone()).run()
        });
        let got = show(&got);
        assert!(got == want || got.starts_with(want) && want.contains(": "), "got {got}, want {want}");
    }

    #[test]
    fn images_come_back() {
        for (level, image) in [
            (-1, "uint8[1,2,1] 1 255"),
            (0, "uint8[2,1,2] 1 2 3 4"),
            (1, "uint8[1,2,3] 1 2 3 4 5 6"),
            (6, "uint8[1,1,4] 1 2 3 4"),
            (9, "uint16[1,2,3] 1 2 300 4 5 65535"),
        ] {
            check(level, image, image);
        }
        check(
            -1,
            "uint8[0,2,1]",
            "INTERNAL: PNG encoding failed at the following flattened batch indices: 0",
        );
        check(-1, "uint8[2,1] 1 2", "INVALID_ARGUMENT: images must be at least rank 3[2,1]");
        check(
            -1,
            "uint8[1,1,5] 1 2 3 4 5",
            "INVALID_ARGUMENT: image must have 1, 2, 3, or 4 channels, got 5",
        );
        check(10, "uint8[1,1,1] 1", "INVALID_ARGUMENT: compression should be in [-1,9], got 10");
    }

    #[test]
    fn batches_keep_their_shape() {
        let shape =
            |image: &str| OpTest::new(&OP).input(parse_tensor(image)).run().unwrap()[0].shape().clone();
        assert_eq!(shape("uint8[2,3,1,1,1] 1 2 3 4 5 6").dims(), [2, 3]);
        assert_eq!(shape("uint8[0,1,1,1]").dims(), [0]);
    }
}
