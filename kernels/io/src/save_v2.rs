//! `SaveV2`.

use savedmodel_bundle::{BundleWriter, ShapeAndSlice};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Error, Result, Tensor};

use crate::file;

/// Writes tensors, or slices of larger ones, to a checkpoint.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SaveV2>.
pub const OP: Op = Op {
    name: "SaveV2",
    inputs: &["prefix: string", "tensor_names: string", "shape_and_slices: string", "tensors: dtypes"],
    outputs: &[],
    attrs: &["dtypes: list(type) >= 1"],
    effect: Effect::External,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let request = Request::new(ctx)?;
        let tensors = ctx.inputs(3);
        if tensors.len() != request.names.len() {
            return Err(Error::invalid_argument(format!(
                "Got {} tensor names but {} tensors.",
                request.names.len(),
                tensors.len()
            )));
        }
        let mut writer = BundleWriter::new(file::path(request.prefix)?)?;
        for ((name, slice), tensor) in request.names.iter().zip(request.slices).zip(tensors) {
            add(&mut writer, file::text(name)?, file::text(slice)?, tensor)?;
        }
        writer.finish()
    }))
}

fn add(writer: &mut BundleWriter, name: &str, shape_and_slice: &str, tensor: &Tensor) -> Result<()> {
    if shape_and_slice.is_empty() {
        return writer.add(name, tensor);
    }
    let ShapeAndSlice { shape, slice } = shape_and_slice.parse()?;
    if slice.shape(&shape)? != *tensor.shape() {
        return Err(Error::invalid_argument(format!(
            "Slice in shape_and_slice specification does not match the shape of the tensor to  save: \
             {shape_and_slice}, tensor: {}",
            tensor.shape()
        )));
    }
    writer.add_slice(name, &shape, &slice, tensor)
}

/// What the first three inputs of `SaveV2` and `RestoreV2` say.
pub struct Request<'a> {
    /// The prefix of the checkpoint.
    pub prefix: &'a Bytes,
    /// The names of the tensors.
    pub names: &'a [Bytes],
    /// What of each is meant; empty for all of it.
    pub slices: &'a [Bytes],
}

impl Request<'_> {
    /// The request of a step.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the inputs don't fit each other.
    pub fn new<'a>(ctx: &'a Context<'_>) -> Result<Request<'a>> {
        let [prefix, names, slices] = [0, 1, 2].map(|i| ctx.input(i));
        let [name] = prefix.strings()? else {
            let n = prefix.elements();
            let message = format!("Input prefix should have a single element, got {n} instead.");
            return Err(Error::invalid_argument(message));
        };
        if names.rank() != 1 || slices.rank() != 1 {
            return Err(Error::invalid_argument(format!(
                "Input tensor_names and shape_and_slices should be an 1-D tensors, got {} and {} instead.",
                names.shape(),
                slices.shape()
            )));
        }
        if names.shape() != slices.shape() {
            return Err(Error::invalid_argument(format!(
                "tensor_names and shape_and_slices have different number of elements: {} vs. {}",
                names.elements(),
                slices.elements()
            )));
        }
        Ok(Request { prefix: name, names: names.strings()?, slices: slices.strings()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{DType, Shape};

    fn names(values: &[&str]) -> Tensor {
        Tensor::from_strings([values.len()], values.iter().map(|s| (*s).to_owned())).unwrap()
    }

    fn save(prefix: &str, what: &[&str], slices: &[&str], tensors: &[Tensor]) -> Result<()> {
        let prefix = Tensor::from_strings(Shape::scalar(), [prefix.to_owned()])?;
        let test = OpTest::new(&OP).input(prefix).input(names(what)).input(names(slices));
        tensors.iter().cloned().fold(test, OpTest::input).run().map(|_| ())
    }

    fn load(prefix: &str, what: &[&str], slices: &[&str], dtypes: Vec<DType>) -> Result<Vec<Tensor>> {
        let prefix = Tensor::from_strings(Shape::scalar(), [prefix.to_owned()])?;
        let test = OpTest::new(&restore::OPS[0]).input(prefix).input(names(what)).input(names(slices));
        test.attr("dtypes", dtypes).run()
    }

    #[test]
    fn there_and_back() {
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path().join("ck/a").to_str().unwrap().to_owned();
        let floats = Tensor::from_vec([2], vec![1.0_f32, 2.0]).unwrap();
        save(&prefix, &["x", "y"], &["", "4 0,2"], &[floats.clone(), floats.clone()]).unwrap();
        let out = load(&prefix, &["x", "x"], &["", "2 1,1"], vec![DType::Float; 2]).unwrap();
        assert_eq!(
            (out[0].as_slice::<f32>(), out[1].as_slice::<f32>()),
            (Ok(&[1.0, 2.0][..]), Ok(&[2.0][..]))
        );
        let check = |what: &[&str], slices: &[&str], dtypes: Vec<DType>, want: &str| {
            assert_eq!(load(&prefix, what, slices, dtypes).unwrap_err().to_string(), want);
        };
        let dtype =
            "INVALID_ARGUMENT: tensor_name = x; expected dtype double does not equal original dtype float";
        check(&["x"], &[""], vec![DType::Double], dtype);
        check(&["z"], &[""], vec![DType::Float], "NOT_FOUND: Key z not found in checkpoint");
        let count = "INVALID_ARGUMENT: Got 2 tensor names, but 1 expected dtypes.";
        check(&["x", "y"], &["", ""], vec![DType::Float], count);
    }

    #[test]
    fn refusals() {
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path().join("b").to_str().unwrap().to_owned();
        let floats = || Tensor::from_vec([2], vec![1.0_f32, 2.0]).unwrap();
        let check = |what: &[&str], slices: &[&str], tensors: &[Tensor], want: &str| {
            assert_eq!(save(&prefix, what, slices, tensors).unwrap_err().message(), want);
        };
        let count = "tensor_names and shape_and_slices have different number of elements: 1 vs. 2";
        check(&["x"], &["", ""], &[floats()], count);
        check(&["x", "y"], &["", ""], &[floats()], "Got 2 tensor names but 1 tensors.");
        let slice = "Slice in shape_and_slice specification does not match the shape of the tensor to  save: 4 0,3, \
                     tensor: [2]";
        check(&["x"], &["4 0,3"], &[floats()], slice);
        check(&["x"], &["foo"], &[floats()], "Need least two elements in shape_and_slice specification: foo");
        check(&["x", "x"], &["", ""], &[floats(), floats()], "Adding duplicate key: x");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
