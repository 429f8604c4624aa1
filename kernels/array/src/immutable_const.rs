//! See [`OP`].

use std::fs::File;
use std::io::Read;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Buffer, DType, Error, PartialShape, Result, Tensor};

/// Gives a tensor whose bytes stand in a file, which may be longer.
///
/// Only plain files can be named, not regions of TensorFlow's memory-mapped packages. The file is read each time.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ImmutableConst>
pub const OP: Op = Op {
    name: "ImmutableConst",
    inputs: &[],
    outputs: &["tensor: dtype"],
    attrs: &["dtype: type", "shape: shape", "memory_region_name: string"],
    effect: Effect::Read,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![ctx.attr("shape").unwrap_or_default()])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (dtype, shape): (DType, PartialShape) = (node.attr("dtype")?, node.attr("shape")?);
    let name: String = node.attr("memory_region_name")?;
    if dtype == DType::String {
        return Ok(Box::new(move |_: &mut Context<'_>| {
            beginning(&name, 0)?;
            let text = "Sorry, DT_STRING is not currently supported for ImmutableConstOp.";
            Err(Error::unimplemented(text))
        }));
    }
    let size = dtype
        .size()
        .ok_or_else(|| Error::invalid_argument("Resource and variant dtypes are invalid for this op."))?;
    let shape = shape.known().ok_or_else(|| node.unimplemented("shape"))?;
    let bytes = shape.checked_elements()?.checked_mul(size);
    let bytes = bytes.ok_or_else(|| Error::resource_exhausted(format!("shape {shape} is too large")))?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let content = beginning(&name, bytes)?;
        ctx.set(0, Tensor::from_buffer(dtype, &shape, Buffer::copy_of(&content)?)?);
        Ok(())
    }))
}

/// The first bytes of a file.
fn beginning(name: &str, bytes: usize) -> Result<Vec<u8>> {
    let file = File::open(name).map_err(|e| {
        let error = Error::from(e);
        Error::new(error.code(), format!("{name}; {}", error.message()))
    })?;
    // What is read, not what is asked for, bounds the memory.
    let mut content = Vec::new();
    file.take(bytes as u64).read_to_end(&mut content)?;
    if content.len() < bytes {
        return Err(Error::internal(format!(
            "Readonly memory region has wrong length ({}) when allocating {bytes}",
            content.len()
        )));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::Code;

    use super::*;

    #[test]
    fn reads_the_beginning_of_a_file() {
        let path = std::env::temp_dir().join(format!("immutable_const_{}.bin", std::process::id()));
        std::fs::write(&path, [1, 0, 2, 0, 3, 0]).unwrap();
        let run = |dtype: DType, shape: PartialShape, name: &str| {
            let test = OpTest::new(&OP).attr("dtype", dtype).attr("shape", shape);
            test.attr("memory_region_name", name).run()
        };
        let name = path.to_str().unwrap();
        let got = run(DType::Int16, PartialShape::from([2]), name).unwrap();
        assert_eq!(got[0].as_slice::<i16>().unwrap(), [1, 2]);
        let code = |dtype, shape, name| run(dtype, shape, name).unwrap_err().code();
        assert_eq!(code(DType::Int16, PartialShape::from([4]), name), Code::Internal);
        assert_eq!(code(DType::String, PartialShape::from([1]), name), Code::Unimplemented);
        assert_eq!(code(DType::Resource, PartialShape::from([1]), name), Code::InvalidArgument);
        assert_eq!(code(DType::Int16, PartialShape::from([4]), "/no/such/file"), Code::NotFound);
        std::fs::remove_file(path).unwrap();
    }
}
