//! `RestoreV2`, `Restore` and `RestoreSlice`.

use savedmodel_bundle::Checkpoint;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::file;
use crate::save_v2::Request;

/// Read tensors, or slices of them, from a checkpoint of either format.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RestoreV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Restore> and
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RestoreSlice>.
pub const OPS: &[Op] = &[
    Op {
        name: "RestoreV2",
        inputs: &["prefix: string", "tensor_names: string", "shape_and_slices: string"],
        outputs: &["tensors: dtypes"],
        attrs: &["dtypes: list(type) >= 1"],
        // Files may change from run to run.
        effect: Effect::Read,
        shape: shape::unknown,
        kernels: Kernels::one(build),
    },
    Op {
        name: "Restore",
        inputs: &["file_pattern: string", "tensor_name: string"],
        outputs: &["tensor: dt"],
        attrs: &["dt: type", "preferred_shard: int = -1"],
        effect: Effect::Read,
        shape: shape::unknown,
        kernels: Kernels::one(build_one),
    },
    Op {
        name: "RestoreSlice",
        inputs: &["file_pattern: string", "tensor_name: string", "shape_and_slice: string"],
        outputs: &["tensor: dt"],
        attrs: &["dt: type", "preferred_shard: int = -1"],
        effect: Effect::Read,
        shape: shape::unknown,
        kernels: Kernels::one(build_one),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtypes: Vec<DType> = node.attr("dtypes")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let request = Request::new(ctx)?;
        if request.names.len() != dtypes.len() {
            let (names, dtypes) = (request.names.len(), dtypes.len());
            let message = format!("Got {names} tensor names, but {dtypes} expected dtypes.");
            return Err(Error::invalid_argument(message));
        }
        let checkpoint = Checkpoint::open(file::path(request.prefix)?)?;
        let names = request.names.iter().map(file::text).collect::<Result<Vec<&str>>>()?;
        check_dtypes(&checkpoint, &names, &dtypes)?;
        let slices = request.slices.iter().map(file::text);
        let tensors = names.iter().zip(slices).map(|(name, slice)| checkpoint.restore(name, slice?));
        for (i, tensor) in tensors.collect::<Result<Vec<Tensor>>>()?.into_iter().enumerate() {
            ctx.set(i, tensor);
        }
        Ok(())
    }))
}

fn check_dtypes(checkpoint: &Checkpoint, names: &[&str], dtypes: &[DType]) -> Result<()> {
    let mut faults = Vec::new();
    for (name, wanted) in names.iter().zip(dtypes) {
        let entry = checkpoint.entry(name);
        let found =
            entry.ok_or_else(|| Error::not_found(format!("Key {name} not found in checkpoint")))?.dtype;
        if found != *wanted {
            faults.push(format!(
                "tensor_name = {name}; expected dtype {wanted} does not equal original dtype {found}"
            ));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid_argument(faults.join("\n"))) }
}

fn build_one(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dt")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let one = |i: usize, what: &str| match ctx.input(i).strings()? {
            [string] => file::text(string),
            // Of several names the first one counts.
            [string, ..] if i > 0 => file::text(string),
            strings => {
                let n = strings.len();
                let message =
                    format!("Input {i} ({what}) must be a string scalar; got a tensor of {n} elements");
                Err(Error::invalid_argument(message))
            }
        };
        let (pattern, name) = (one(0, "file_pattern")?, one(1, "tensor_name")?);
        let slice = if ctx.input_len() > 2 { one(2, "shape_and_slice")? } else { "" };
        let checkpoint = Checkpoint::open(pattern)?;
        let entry = checkpoint.entry(name);
        let found = entry.ok_or_else(|| {
            Error::not_found(format!("Tensor name \"{name}\" not found in checkpoint files {pattern}"))
        })?;
        if found.dtype != dtype {
            return Err(Error::invalid_argument(format!(
                "Expected to restore a tensor of type {dtype}, got a tensor of type {} instead: tensor_name = {name}",
                found.dtype
            )));
        }
        let tensor = checkpoint.restore(name, slice)?;
        ctx.set(0, tensor);
        Ok(())
    }))
}
