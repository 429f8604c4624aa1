//! `WriteFile`.

use std::path::Path;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::Result;

use crate::file;

/// Writes a file, whose directories are made if need be.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WriteFile>.
pub const OP: Op = Op {
    name: "WriteFile",
    inputs: &["filename: string", "contents: string"],
    outputs: &[],
    attrs: &[],
    effect: Effect::External,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let name = file::scalar(ctx.input(0), "Input filename tensor must be scalar, but had shape:")?;
        let contents = file::scalar(ctx.input(1), "Contents tensor must be scalar, but had shape:")?;
        let name = file::text(name)?;
        if let Some(directory) =
            Path::new(name).parent().filter(|directory| !directory.as_os_str().is_empty())
        {
            // Why a directory can't be made shows when the file is written.
            _ = std::fs::create_dir_all(directory);
        }
        std::fs::write(name, contents).map_err(|error| file::error(name, error))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{Shape, Tensor};

    #[test]
    fn files() {
        let scalar = |name: &str| Tensor::from_strings(Shape::scalar(), [name.to_owned()]).unwrap();
        let write = |name: &str| OpTest::new(&OP).input(scalar(name)).input(scalar("text")).run();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        write(path.to_str().unwrap()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"text");
        let check = |name: &str, want: &str| assert_eq!(write(name).unwrap_err().to_string(), want);
        let inside = format!("{}/c", path.display());
        check(&inside, &format!("FAILED_PRECONDITION: {inside}; Not a directory"));
        check("/", "FAILED_PRECONDITION: /; Is a directory");
        check("", "NOT_FOUND: ; No such file or directory");
    }
}
