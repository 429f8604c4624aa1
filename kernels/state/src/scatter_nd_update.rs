//! `ScatterNdUpdate`, `ScatterNdAdd` … and their forms for resource variables: slices of a variable, changed by index.

use savedmodel_kernels_array::scatter_nd::{Combine, ignores_bad_indices, scatter_nd};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor};

use crate::update::update;

/// Each replaces slices of a variable that the rows of its indices name, or combines them with updates, in order.
///
/// A vector of indices names slices of the first dimension, but only its first one counts, as in TensorFlow. All indices
/// are checked before anything is written.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ScatterNdUpdate>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResourceScatterNdAdd>
pub const OPS: &[Op] = &[
    Op { attrs: UPDATE, ..reference("ScatterNdUpdate", PLAIN) },
    reference("ScatterNdAdd", &[("T", dtypes::NUMBERS)]),
    reference("ScatterNdSub", &[("T", dtypes::NUMBERS)]),
    reference("ScatterNdMax", &[("T", dtypes::REAL_NUMBERS)]),
    reference("ScatterNdMin", &[("T", dtypes::REAL_NUMBERS)]),
    resource("ResourceScatterNdUpdate", PLAIN),
    resource("ResourceScatterNdAdd", SUMS),
    resource("ResourceScatterNdSub", SUMS),
    resource("ResourceScatterNdMax", &[("T", dtypes::REAL_NUMBERS)]),
    resource("ResourceScatterNdMin", &[("T", dtypes::REAL_NUMBERS)]),
];

type Dtypes = &'static [(&'static str, &'static [DType])];

const UPDATE: &[&str] =
    &["T: type", "Tindices: {int32, int64}", "use_locking: bool = true", "bad_indices_policy: string = ''"];

/// Numbers, bool, string.
const PLAIN: Dtypes = &[("T", dtypes::POD_AND_POINTERS.split_at(16).0)];

/// Numbers and bool.
const SUMS: Dtypes = &[("T", dtypes::POD_AND_POINTERS.split_at(15).0)];

const fn reference(name: &'static str, dtypes: Dtypes) -> Op {
    Op {
        name,
        inputs: &["ref: Ref(T)", "indices: Tindices", "updates: T"],
        outputs: &["output_ref: Ref(T)"],
        attrs: &[
            "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, \
             quint16, uint16, complex128, half, uint32, uint64}",
            "Tindices: {int32, int64}",
            "use_locking: bool = false",
            "bad_indices_policy: string = ''",
        ],
        effect: Effect::Write,
        shape: shape::unknown,
        kernels: Kernels::All(dtypes, build),
    }
}

const fn resource(name: &'static str, dtypes: Dtypes) -> Op {
    Op {
        name,
        inputs: &["ref: resource", "indices: Tindices", "updates: T"],
        outputs: &[],
        attrs: UPDATE,
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::All(dtypes, build),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let ignore = ignores_bad_indices(node)?;
    let combine = match &node.op[node.op.len() - 3..] {
        "Add" => Combine::Add,
        "Sub" => Combine::Sub,
        "Max" => Combine::Max,
        "Min" => Combine::Min,
        _ => Combine::Update,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        update(ctx, |ctx, variable| {
            let (indices, updates) = (ctx.input(1), ctx.input(2));
            if variable.dtype() != updates.dtype() {
                return Err(Error::invalid_argument(format!(
                    "updates are {}, the variable is {}",
                    updates.dtype(),
                    variable.dtype()
                )));
            }
            let rows = to_rows(indices)?;
            check(variable, &rows, updates.shape())?;
            match indices.rank() == 1 && rows.elements() > 1 {
                true => scatter_nd(variable, &rows.rows(0, 1)?, &updates.rows(0, 1)?, combine, ignore),
                false => scatter_nd(variable, &rows, updates, combine, ignore),
            }
        })
    }))
}

/// The indices with a dimension for the parts of an index.
fn to_rows(indices: &Tensor) -> Result<Tensor> {
    match indices.rank() {
        0 => Err(Error::invalid_argument("Indices shape must have rank at least one. Found:[]")),
        1 => indices.clone().reshape([indices.elements(), 1]),
        _ => Ok(indices.clone()),
    }
}

fn check(variable: &Tensor, indices: &Tensor, updates: &Shape) -> Result<()> {
    let refuse = |text: String| Err(Error::invalid_argument(text));
    let (own, places) = (variable.shape(), indices.shape());
    let used = indices.elements() > 0 || updates.elements() > 0;
    if used && (variable.elements() == 0 || indices.elements() == 0 || updates.elements() == 0) {
        return refuse(format!("Indices and updates specified for empty output.  indices shape: {places}"));
    }
    let outer = places.rank() - 1;
    for i in 0..outer {
        let found = updates.get(i).copied();
        if found != Some(places[i]) {
            return refuse(format!(
                "Dimensions [0,{outer}) of indices[shape={places}] = {} must match dimensions [0,{outer}) of \
                 updates[shape={updates}] = {}",
                places[i],
                found.map_or_else(|| "nothing".to_owned(), |size| size.to_string())
            ));
        }
    }
    let depth = places[outer];
    if own.get(depth..) != updates.get(outer..) {
        return refuse(format!(
            "Dimensions [{depth},{}) of input[shape={own}] must match dimensions [{outer},{}) of \
             updates[shape={updates}]",
            own.rank(),
            updates.rank()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::Variable;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};
    use savedmodel_tensor::{Handle, PartialShape};
    use std::sync::Arc;

    #[test]
    fn table() {
        let check = |name: &str, value: &str, indices: &str, updates: &str, want: &str| {
            let op = OPS.iter().find(|op| op.name == name).unwrap();
            let value = parse_tensor(value);
            let variable = Arc::new(Variable::new("v", value.dtype(), PartialShape::unknown()));
            variable.assign(value.clone()).unwrap();
            let handle = Tensor::from_handles([], vec![Handle::new("", "v", Arc::clone(&variable))]).unwrap();
            let test = OpTest::new(op).attr("T", value.dtype()).input(handle);
            let run = test.input(parse_tensor(indices)).input(parse_tensor(updates)).run();
            let got = run.map(|_| vec![variable.read().unwrap()]);
            if got.is_err() {
                assert_eq!(show(&Ok(vec![variable.read().unwrap()])), show(&Ok(vec![value])));
            }
            let got = show(&got);
            assert!(
                got == want || got.starts_with("INVALID") && got.starts_with(want),
                "{name}: {got}\n{want}"
            );
        };
        let (matrix, pair) = ("int32[2,2] 1 2 3 4", "float[2] 1 2");
        check("ResourceScatterNdUpdate", matrix, "int64[1,1] 1", "int32[1,2] 8 9", "int32[2,2] 1 2 8 9");
        check("ScatterNdAdd", matrix, "int32[2,2] 1 1 1 1", "int32[2] 8 9", "int32[2,2] 1 2 3 21");
        check(
            "ResourceScatterNdSub",
            "bool[2] true false",
            "int32[1,1] 1",
            "bool[1] true",
            "bool[2] true true",
        );
        check("ScatterNdMax", pair, "int32[2,1] 0 1", "float[2] 5 0", "float[2] 5 2");
        check("ResourceScatterNdMin", pair, "int32[2,1] 0 1", "float[2] 5 0", "float[2] 1 0");
        check("ScatterNdAdd", pair, "int32[2] 1 0", "float[2] 5 6", "float[2] 1 7");
        check("ScatterNdUpdate", "string[2] 'a' 'b'", "int32[1,1] 0", "string[1] 'x'", "string[2] 'x' 'b'");
        check("ScatterNdUpdate", pair, "int32[0,1]", "float[0]", "float[2] 1 2");
        check(
            "ScatterNdAdd",
            pair,
            "int32[2,1] 0 2",
            "float[2] 1 1",
            "INVALID_ARGUMENT: indices[1] = [2] does not index into shape [2]",
        );
        check(
            "ScatterNdAdd",
            pair,
            "int32[1,1] 0",
            "float[2] 1 2",
            "INVALID_ARGUMENT: Dimensions [0,1) of indices[shape=[1,1]] = 1 must match dimensions [0,1) of",
        );
        check(
            "ScatterNdAdd",
            pair,
            "int32[1,2] 0 0",
            "float[1] 1",
            "INVALID_ARGUMENT: Dimensions [2,1) of input",
        );
        check(
            "ScatterNdAdd",
            pair,
            "int32[1,1] 0",
            "float[] 1",
            "INVALID_ARGUMENT: Dimensions [0,1) of indices",
        );
        check(
            "ScatterNdAdd",
            pair,
            "int32[] 0",
            "float[] 1",
            "INVALID_ARGUMENT: Indices shape must have rank",
        );
        check(
            "ScatterNdAdd",
            pair,
            "int32[2,0]",
            "float[2,2] 1 2 3 4",
            "INVALID_ARGUMENT: Indices and updates",
        );
        check(
            "ScatterNdAdd",
            "float[0]",
            "int32[1,1] 0",
            "float[1] 1",
            "INVALID_ARGUMENT: Indices and updates",
        );
    }
}
