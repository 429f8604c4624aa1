//! Slices of a tensor replaced by, or combined with, others.

use savedmodel_op::dtypes::{INDICES, NUMBERS, REAL_NUMBERS};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Shape};

use crate::dtypes::POD_STRING;
use crate::scatter_nd::{Combine, at_least_vectors, check_vector, ignores_bad_indices, scatter_nd};

const fn scatter(name: &'static str, dtypes: &'static [(&'static str, &'static [DType])]) -> Op {
    Op {
        name,
        inputs: &["tensor: T", "indices: Tindices", "updates: T"],
        outputs: &["output: T"],
        attrs: &["T: type", "Tindices: {int32, int64}", "bad_indices_policy: string = ''"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::All(dtypes, build),
    }
}

/// Replaces slices of a tensor, or adds to, subtracts from, or takes maximum or minimum with them.
///
/// Updates of one place are applied in order. Maximum and minimum keep what is there unless the update is truly
/// larger or smaller, so that NaN changes nothing. Writes into the input's memory when nobody else needs it.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorScatterUpdate>.
pub const OPS: &[Op] = &[
    Op {
        attrs: &["T: type", "Tindices: {int16, int32, int64, uint16}", "bad_indices_policy: string = ''"],
        ..scatter("TensorScatterUpdate", &[("T", POD_STRING), ("Tindices", INDICES)])
    },
    scatter("TensorScatterAdd", &[("T", NUMBERS), ("Tindices", INDICES)]),
    scatter("TensorScatterSub", &[("T", NUMBERS), ("Tindices", INDICES)]),
    scatter("TensorScatterMax", &[("T", REAL_NUMBERS), ("Tindices", INDICES)]),
    scatter("TensorScatterMin", &[("T", REAL_NUMBERS), ("Tindices", INDICES)]),
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let ignore = ignores_bad_indices(node)?;
    let combine = match node.op() {
        "TensorScatterAdd" => Combine::Add,
        "TensorScatterSub" => Combine::Sub,
        "TensorScatterMax" => Combine::Max,
        "TensorScatterMin" => Combine::Min,
        _ => Combine::Update,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        at_least_vectors(ctx.input(1), ctx.input(2))?;
        check_dimensions(ctx.input(0).shape(), ctx.input(1).shape(), ctx.input(2).shape())?;
        let mut output = ctx.take(0);
        scatter_nd(&mut output, ctx.input(1), ctx.input(2), combine, ignore)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn check_dimensions(tensor: &Shape, indices: &Shape, updates: &Shape) -> Result<()> {
    let outer = indices.rank() - 1;
    let depth = indices[outer];
    if updates.get(..outer) != Some(&indices[..outer]) {
        return Err(Error::invalid_argument(format!(
            "Outer dimensions of indices and update must match. Indices shape: {indices}, updates shape:{updates}"
        )));
    }
    if tensor.get(depth..) != Some(&updates[outer..]) {
        return Err(Error::invalid_argument(format!(
            "Inner dimensions of output shape must match inner dimensions of updates shape. Output: {tensor} updates: \
             {updates}"
        )));
    }
    check_vector(indices, updates)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("TensorScatterUpdate", "", "float[3] 7 8 9; int32[2,1] 0 0; float[2] 1 2", "float[3] 2 8 9"),
                (
                    "TensorScatterUpdate",
                    "",
                    "string[2,2] 'a' 'b' 'c' 'd'; int64[1,1] 1; string[1,2] 'x' 'y'",
                    "string[2,2] 'a' 'b' 'x' 'y'",
                ),
                (
                    "TensorScatterUpdate",
                    "",
                    "bool[2,2] true true true true; int32[1,1,2] 1 0; bool[1,1] false",
                    "bool[2,2] true true false true",
                ),
                (
                    "TensorScatterUpdate",
                    "bad_indices_policy=IGNORE",
                    "float[3] 7 8 9; int32[2,1] 0 5; float[2] 1 2",
                    "float[3] 1 8 9",
                ),
                ("TensorScatterUpdate", "", "float[2] 7 8; int32[0,1]; float[0]", "float[2] 7 8"),
                ("TensorScatterAdd", "", "int8[3] 120 8 9; int32[2,1] 0 0; int8[2] 1 20", "int8[3] -115 8 9"),
                ("TensorScatterSub", "", "half[3] 7 8 9; int32[2,1] 0 0; half[2] 1 2", "half[3] 4 8 9"),
                (
                    "TensorScatterMax",
                    "",
                    "float[3] 7 8 9; int32[2,1] 0 0; float[2] NaN 20",
                    "float[3] 20 8 9",
                ),
                (
                    "TensorScatterMax",
                    "",
                    "float[3] 7 NaN 9; int32[2,1] 1 0; float[2] 1 20",
                    "float[3] 20 NaN 9",
                ),
                (
                    "TensorScatterMin",
                    "",
                    "float[3] 7 NaN 9; int32[2,1] 1 0; float[2] 1 NaN",
                    "float[3] 7 NaN 9",
                ),
                ("TensorScatterMin", "", "uint8[3] 7 4 9; int32[2,1] 1 0; uint8[2] 1 20", "uint8[3] 7 1 9"),
            ],
        );
    }

    #[test]
    fn errors() {
        check_rows(
            crate::OPS,
            &[
                (
                    "TensorScatterUpdate",
                    "",
                    "float[3] 7 8 9; int32[2,1] 0 5; float[2] 1 2",
                    "INVALID_ARGUMENT: indices[1] = [5] does not index into shape [3]",
                ),
                (
                    "TensorScatterUpdate",
                    "",
                    "float[3] 7 8 9; int32[2,2] 0 1 2 2; float[2] 1 2",
                    "INVALID_ARGUMENT: Inner dimensions of output shape must match inner dimensions of updates shape. Output: [3] updates: [2]",
                ),
                (
                    "TensorScatterUpdate",
                    "",
                    "float[3] 7 8 9; int32[2,1] 0 1; float[1] 1",
                    "INVALID_ARGUMENT: Outer dimensions of indices and update must match. Indices shape: [2,1], updates shape:[1]",
                ),
                (
                    "TensorScatterUpdate",
                    "",
                    "float[] 7; int32[1] 0; float[] 1",
                    "INVALID_ARGUMENT: Updates shape must have rank at least one. Found:[]",
                ),
                (
                    "TensorScatterUpdate",
                    "",
                    "float[2] 7 8; int32[] 0; float[] 1",
                    "INVALID_ARGUMENT: Indices shape must have rank at least one. Found:[]",
                ),
                (
                    "TensorScatterUpdate",
                    "",
                    "float[0,2]; int32[1,1] 0; float[1,2] 1 2",
                    "INVALID_ARGUMENT: Indices and updates specified for empty output shape",
                ),
                (
                    "TensorScatterUpdate",
                    "",
                    "float[2,2] 1 2 3 4; int32[1] 0; float[2] 1 2",
                    "INVALID_ARGUMENT: Dimensions [0,1) of indices[shape=[1]] = 1 must match dimensions [0,1) of updates[shape=[2]] = 2",
                ),
                ("TensorScatterUpdate", "", "float[2] 7 8; uint16[1,1] 0; float[1] 1", "INVALID_ARGUMENT"),
                ("TensorScatterAdd", "", "string[1] 'a'; int32[1,1] 0; string[1] 'd'", "INVALID_ARGUMENT"),
            ],
        );
    }
}
