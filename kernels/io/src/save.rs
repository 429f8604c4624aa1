//! `Save` and `SaveSlices`.

use savedmodel_bundle::{LegacyWriter, ShapeAndSlice, TensorSlice};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result};

use crate::file;

/// Write tensors, or slices of larger ones, to a checkpoint of the first format.
///
/// The file appears whole or not at all.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Save> and
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SaveSlices>.
pub const OPS: &[Op] = &[
    Op { name: "Save", inputs: &["filename: string", "tensor_names: string", "data: T"], ..SLICES },
    SLICES,
];

const SLICES: Op = Op {
    name: "SaveSlices",
    inputs: &["filename: string", "tensor_names: string", "shapes_and_slices: string", "data: T"],
    outputs: &[],
    attrs: &["T: list(type) >= 1"],
    effect: Effect::External,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let first = if node.op == "Save" { 2 } else { 3 };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [filename] = ctx.input(0).strings()? else {
            let n = ctx.input(0).elements();
            let message = format!("Input 0 (filename) must be a string scalar; got a tensor of {n}elements");
            return Err(Error::invalid_argument(message));
        };
        let names = ctx.input(1).strings()?;
        let count = names.len();
        if count + first != ctx.input_len() {
            return Err(Error::invalid_argument(format!(
                "Expected totally {} inputs as input #1 (which is a string tensor of saved names) contains {count} names, but \
                 received {} inputs",
                count + first,
                ctx.input_len()
            )));
        }
        let slices = if first > 2 { Some(ctx.input(2).strings()?) } else { None };
        if let Some(slices) = slices.filter(|slices| slices.len() != count) {
            return Err(Error::invalid_argument(format!(
                "Expected {count} elements for the tensor shapes and slices but got {}",
                slices.len()
            )));
        }
        let mut writer = LegacyWriter::new(file::path(filename)?);
        for (i, (name, tensor)) in names.iter().zip(ctx.inputs(first)).enumerate() {
            let whole =
                || ShapeAndSlice { shape: tensor.shape().clone(), slice: TensorSlice::full(tensor.rank()) };
            let ShapeAndSlice { shape, slice } = match slices.map(|slices| file::text(&slices[i])) {
                None => whole(),
                Some(text) if text.as_ref().is_ok_and(|text| text.is_empty()) => whole(),
                Some(text) => {
                    let text = text?;
                    let part: ShapeAndSlice = text.parse()?;
                    if part.slice.shape(&part.shape)? != *tensor.shape() {
                        return Err(Error::invalid_argument(format!(
                            "Slice in shape_and_slice specification does not match the shape of the tensor to  save: {text}, \
                             tensor: {}",
                            tensor.shape()
                        )));
                    }
                    part
                }
            };
            writer.add(file::text(name)?, &shape, &slice, tensor)?;
        }
        writer.finish()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_bundle::Checkpoint;
    use savedmodel_op::testing::{OpTest, parse_tensor};
    use savedmodel_tensor::Tensor;

    /// Strings are separated by bars.
    fn save(op: usize, path: &str, inputs: &[&str]) -> Result<()> {
        let test = OpTest::new(&OPS[op]).input(Tensor::from_strings([], [path.to_owned()])?);
        let tensor = |text: &&str| match text.strip_prefix("strings ") {
            Some(strings) => {
                let strings: Vec<String> = strings.split('|').map(str::to_owned).collect();
                Tensor::from_strings([strings.len()], strings).unwrap()
            }
            None => parse_tensor(text),
        };
        inputs.iter().map(tensor).fold(test, OpTest::input).run().map(|_| ())
    }

    #[test]
    fn there_and_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let text = path.to_str().unwrap();
        save(0, text, &["string[2] 'x' 'y'", "float[2] 1 2", "int64[] 3"]).unwrap();
        let read = |name: &str| Checkpoint::open(text)?.tensor(name);
        assert_eq!(read("x").unwrap().as_slice::<f32>().unwrap(), [1.0, 2.0]);
        assert_eq!(read("y").unwrap().to_scalar::<i64>(), Ok(3));
        let slices = ["string[2] 'x' 'x'", "strings 4 0,2|4 2,2", "float[2] 1 2", "float[2] 3 4"];
        save(1, text, &slices).unwrap();
        assert_eq!(read("x").unwrap().as_slice::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
        let check = |op: usize, inputs: &[&str], want: &str| {
            let got = save(op, directory.path().join("b").to_str().unwrap(), inputs).unwrap_err().to_string();
            assert!(got.starts_with(want), "{got}");
        };
        check(0, &["string[2] 'x' 'y'", "float[] 1"], "INVALID_ARGUMENT: Expected totally 4 inputs");
        check(
            0,
            &["string[1] 'x'", "bfloat16[] 1"],
            "UNIMPLEMENTED: Saving data type bfloat16 not yet supported",
        );
        check(1, &["string[1] 'x'", "string[2] '' ''", "float[] 1"], "INVALID_ARGUMENT: Expected 1 elements");
        check(1, &["string[1] 'x'", "strings 4 0,3", "float[2] 1 2"], "INVALID_ARGUMENT: Slice in shape");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
