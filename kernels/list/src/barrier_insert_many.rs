//! `BarrierInsertMany`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result};

use crate::barrier::Barrier;

/// Gives each of some keys of a barrier a value's component, a row of a tensor.
///
/// A value of which all components are there is ready to be taken. A key has a component once, and until it is complete.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BarrierInsertMany>
pub const OP: Op = Op {
    name: "BarrierInsertMany",
    inputs: &["handle: Ref(string)", "keys: string", "values: T"],
    outputs: &[],
    attrs: &["T: type", "component_index: int"],
    effect: Effect::Write,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let component = node.int32("component_index")?;
    let component = usize::try_from(component)
        .map_err(|_| Error::invalid_argument(format!("component_index {component} must be >= 0")))?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        ctx.resource::<Barrier>(0)?.insert(ctx.input(1).strings()?, component, ctx.input(2))
    }))
}

#[cfg(test)]
mod tests {
    use crate::barrier_close::cases::Parts;

    #[test]
    fn table() {
        let parts = Parts::new();
        let check = |component: i64, inputs: &str, want: &str| {
            let got = parts.insert(component, inputs);
            assert!(got == want || !want.is_empty() && got.starts_with(want), "{got}\n{want}");
        };
        check(0, "string[2] 'a' 'b'; float[2,2] 1 2 3 4", "");
        assert_eq!(parts.sizes(), "0 2");
        check(1, "string[1] 'b'; string[1] 'B'", "");
        assert_eq!(parts.sizes(), "1 1");
        check(
            0,
            "string[1] 'a'; float[1,2] 1 2",
            "INVALID_ARGUMENT: Key a already has a value for component 0",
        );
        check(
            0,
            "string[1] 'a'; float[1,0]",
            "INVALID_ARGUMENT: Tensors with no elements are not supported b:",
        );
        check(0, "string[0]; float[0,2]", "");
        check(
            2,
            "string[1] 'a'; float[1,2] 1 2",
            "INVALID_ARGUMENT: The component ID is out of range 2 > num_comp",
        );
        check(-1, "string[1] 'a'; float[1,2] 1 2", "INVALID_ARGUMENT: component_index -1 must be >= 0");
        check(0, "string[1] 'a'; string[1] 'x'", "INVALID_ARGUMENT: Signature mismatch");
        check(0, "string[2] 'c' 'd'; float[1,2] 1 2", "INVALID_ARGUMENT: there are 2 keys for 1 values");
        check(0, "string[1] 'c'; float[1,3] 1 2 3", "");
        check(
            1,
            "string[1] 'c'; string[1] 'C'",
            "INVALID_ARGUMENT: Shape mismatch in tuple component 2. Expected [2]",
        );
        assert_eq!(parts.sizes(), "1 1");
        parts.call("BarrierClose", vec![], "");
        check(
            0,
            "string[1] 'new'; float[1,2] 1 2",
            "CANCELLED: Barrier b is closed.  Pending enqueues cancelled: 0.",
        );
        check(1, "string[] 'a'; string[] 'A'", "");
        check(
            0,
            "string[1] 'new'; float[1,2] 1 2",
            "CANCELLED: Barrier b is closed.  Pending enqueues cancelled: 0.",
        );
        assert_eq!(parts.sizes(), "2 0");
    }
}
