//! `ReadFile`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Shape, Tensor};

use crate::file;

/// Reads a whole file.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReadFile>.
pub const OP: Op = Op {
    name: "ReadFile",
    inputs: &["filename: string"],
    outputs: &["contents: string"],
    attrs: &[],
    // The file may change from run to run.
    effect: Effect::Read,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let name = file::scalar(ctx.input(0), "Input filename tensor must be scalar, but had shape:")?;
        let name = file::text(name)?;
        let contents = std::fs::read(name).map_err(|error| file::error(name, error))?;
        ctx.set(0, Tensor::from_strings(Shape::scalar(), [contents])?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn files() {
        let read = |name: Tensor| OpTest::new(&OP).input(name).run();
        let scalar = |name: &str| Tensor::from_strings(Shape::scalar(), [name.to_owned()]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"a\0b").unwrap();
        let out = read(scalar(file.path().to_str().unwrap())).unwrap();
        assert_eq!(out[0].strings().unwrap()[0], &b"a\0b"[..]);
        let check = |name: Tensor, want: &str| assert_eq!(read(name).unwrap_err().to_string(), want);
        check(scalar("/no/file"), "NOT_FOUND: /no/file; No such file or directory");
        check(scalar("/"), "FAILED_PRECONDITION: /; Is a directory");
        let vector = Tensor::from_strings([1], ["x"]).unwrap();
        check(vector, "INVALID_ARGUMENT: Input filename tensor must be scalar, but had shape: [1]");
    }
}
