//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, PartialShape, Result};

/// What the devices of a group have together; here a group has one, whose value passes on.
///
/// Larger groups are `UNIMPLEMENTED`: there is nobody to wait for.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CollectiveReduce>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CollectiveReduceV2>
pub const OPS: &[Op] = &[
    Op {
        name: "CollectiveReduce",
        outputs: &["data: T"],
        attrs: &[
            "T: {bfloat16, float, half, double, int32, int64}",
            "group_size: int",
            "group_key: int",
            "instance_key: int",
            "merge_op: {'Min', 'Max', 'Mul', 'Add'}",
            "final_op: {'Id', 'Div'}",
            "subdiv_offsets: list(int)",
            "wait_for: list(int) = []",
            HINT,
            TIMEOUT,
        ],
        shape: shape::unchanged,
        ..GATHER
    },
    GATHER,
    Op {
        name: "CollectiveBcastSend",
        attrs: &[
            "T: {bool, float, half, double, int32, int64}",
            "group_size: int",
            "group_key: int",
            "instance_key: int",
            "shape: shape",
            HINT,
            TIMEOUT,
        ],
        kernels: Kernels::one(|node| build(node, check_declared(node.attr("shape")?))),
        ..GATHER
    },
    Op {
        name: "CollectiveReduceV2",
        attrs: &[
            "T: {bfloat16, float, half, double, int32, int64}",
            "merge_op: {'Min', 'Max', 'Mul', 'Add'}",
            "final_op: {'Id', 'Div'}",
            HINT,
            TIMEOUT,
            "is_stateless: bool = false",
            "Nordering_token: int >= 0 = 0",
            "max_subdivs_per_device: int = -1",
        ],
        shape: |ctx| Ok(vec![ctx.input(0)]),
        ..GATHER_V2
    },
    GATHER_V2,
];

const HINT: &str = "communication_hint: string = 'auto'";
const TIMEOUT: &str = "timeout_seconds: float = 0";

const GATHER: Op = Op {
    name: "CollectiveGather",
    inputs: &["input: T"],
    outputs: &["data: T"],
    attrs: &[
        "T: {float, half, double, int32, int64}",
        "group_size: int",
        "group_key: int",
        "instance_key: int",
        "shape: shape",
        HINT,
        TIMEOUT,
    ],
    effect: Effect::Random,
    shape: shape::unknown,
    kernels: Kernels::one(|node| build(node, check_rank(node))),
};

const GATHER_V2: Op = Op {
    name: "CollectiveGatherV2",
    inputs: &[
        "input: T",
        "group_size: int32",
        "group_key: int32",
        "instance_key: int32",
        "ordering_token: Nordering_token * resource",
    ],
    attrs: &[
        "T: {float, half, double, int32, int64}",
        HINT,
        TIMEOUT,
        "is_stateless: bool = false",
        "Nordering_token: int >= 0 = 0",
    ],
    kernels: Kernels::one(build_v2),
    ..GATHER
};

/// A look at the input.
type Check = Box<dyn Fn(&Context<'_>) -> Result<()> + Send + Sync>;

fn check_rank(node: &Construction<'_>) -> Check {
    let gathers = node.op() == "CollectiveGather";
    Box::new(move |ctx| match ctx.input(0).rank() {
        0 if gathers => Err(Error::invalid_argument("input should have rank > 0, received 0")),
        _ => Ok(()),
    })
}

fn check_declared(declared: PartialShape) -> Check {
    Box::new(move |ctx| match declared.accepts(ctx.input(0).shape()) {
        true => Ok(()),
        false => Err(Error::internal("Declared shape of a broadcast does not match shape of input")),
    })
}

fn check_size(size: i64) -> Result<()> {
    match size {
        1 => Ok(()),
        2.. => Err(Error::unimplemented(format!("a group of {size} devices"))),
        _ => Err(Error::invalid_argument(format!("group_size must be positive integer but got {size}"))),
    }
}

fn build(node: &Construction<'_>, check: Check) -> Result<Box<dyn Kernel>> {
    check_size(node.int32("group_size")?)?;
    node.int32("group_key")?;
    node.int32("instance_key")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check(ctx)?;
        let input = ctx.take(0);
        ctx.set(0, input);
        Ok(())
    }))
}

fn build_v2(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.op() == "CollectiveReduceV2" {
        node.int32("max_subdivs_per_device")?;
    }
    Ok(Box::new(|ctx: &mut Context<'_>| {
        for (i, name) in ["group_size", "group_key", "instance_key"].into_iter().enumerate() {
            let shape = ctx.input(i + 1).shape();
            if shape.rank() > 0 {
                return Err(Error::invalid_argument(format!(
                    "Unexpected dimensions on input {name}, got {shape}"
                )));
            }
        }
        check_size(ctx.input(1).to_scalar::<i32>()?.into())?;
        let input = ctx.take(0);
        ctx.set(0, input);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    /// The attributes of a group of so many.
    macro_rules! group {
        ($size:literal, $others:literal) => {
            concat!("group_size=", $size, " group_key=1 instance_key=1 ", $others)
        };
    }

    #[test]
    fn table() {
        const REDUCE: &str = group!(1, "merge_op=Add final_op=Div subdiv_offsets=[0]");
        const MANY: &str = group!(2, "merge_op=Add final_op=Div subdiv_offsets=[0]");
        const NONE: &str = group!(0, "merge_op=Add final_op=Div subdiv_offsets=[0]");
        const GATHER: &str = group!(1, "shape=[3]");
        const SEND: &str = group!(1, "shape=[2]");
        let v2 = "merge_op=Add final_op=Id";
        check_rows(
            OPS,
            &[
                ("CollectiveReduce", REDUCE, "int32[2] 1 2", "int32[2] 1 2"),
                ("CollectiveReduce", MANY, "int32[2] 1 2", "UNIMPLEMENTED: a group of 2 devices"),
                (
                    "CollectiveReduce",
                    NONE,
                    "int32[2] 1 2",
                    "INVALID_ARGUMENT: group_size must be positive integer but got 0",
                ),
                ("CollectiveGather", GATHER, "float[2] 1 2", "float[2] 1 2"),
                ("CollectiveGather", GATHER, "float[] 1", "INVALID_ARGUMENT: input should have rank > 0"),
                ("CollectiveBcastSend", SEND, "bool[2] true false", "bool[2] true false"),
                ("CollectiveBcastSend", SEND, "bool[1] true", "INTERNAL: Declared shape"),
                ("CollectiveReduceV2", v2, "float[2] 1 2; int32[] 1; int32[] 5; int32[] 7", "float[2] 1 2"),
                ("CollectiveGatherV2", "", "float[2] 1 2; int32[] 1; int32[] 5; int32[] 7", "float[2] 1 2"),
                (
                    "CollectiveGatherV2",
                    "",
                    "float[2] 1 2; int32[] 1; int32[1] 5; int32[] 7",
                    "INVALID_ARGUMENT: Unexpected dimensions on input group_key, got [1]",
                ),
            ],
        );
    }
}
