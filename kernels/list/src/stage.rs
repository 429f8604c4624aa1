//! `Stage`, `Unstage`, `StagePeek`, `StageSize` and `StageClear`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Resource, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::staging::{Area, bytes, give, mismatch, waits};

/// They put a tuple of tensors into a staging area, take the oldest out, look at one, count and forget them.
///
/// Areas belong to the session and are shared by container and `shared_name`, or the node's own name where that is empty.
/// Where TensorFlow waits, for a tuple or until `capacity` or `memory_limit` (0 for none) allow another, this is
/// `DEADLINE_EXCEEDED`. A tuple above the memory limit is `RESOURCE_EXHAUSTED`, one of another length than is wanted
/// `INVALID_ARGUMENT`, of other dtypes `INTERNAL`; the last two are taken out all the same.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Stage>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Unstage>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StagePeek>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StageSize>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StageClear>
pub const OPS: &[Op] = &[
    Op { name: "Stage", inputs: &["values: dtypes"], ..STAGE },
    Op { name: "Unstage", outputs: &["values: dtypes"], ..STAGE },
    Op { name: "StagePeek", inputs: &["index: int32"], outputs: &["values: dtypes"], ..STAGE },
    Op {
        name: "StageSize",
        outputs: &["size: int32"],
        attrs: ANY,
        effect: Effect::Read,
        shape: shape::scalar,
        ..STAGE
    },
    Op { name: "StageClear", attrs: ANY, ..STAGE },
];

const STAGE: Op = Op {
    name: "",
    inputs: &[],
    outputs: &[],
    attrs: &[
        "capacity: int >= 0 = 0",
        "memory_limit: int >= 0 = 0",
        "dtypes: list(type) >= 1",
        "container: string = ''",
        "shared_name: string = ''",
    ],
    effect: Effect::Write,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

const ANY: &[&str] = &[
    "capacity: int >= 0 = 0",
    "memory_limit: int >= 0 = 0",
    "dtypes: list(type)",
    "container: string = ''",
    "shared_name: string = ''",
];

/// Tuples in the order in which they came, and how many bytes they have.
#[derive(Clone, Default)]
struct State {
    tuples: VecDeque<Vec<Tensor>>,
    bytes: u64,
}

/// The resource.
struct Staging {
    area: Area,
    state: Mutex<State>,
}

impl Resource for Staging {
    fn fork(&self) -> Option<Staging> {
        Some(Staging { area: self.area.clone(), state: Mutex::new(self.with(|state| state.clone())) })
    }
}

impl Staging {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, tuple: Vec<Tensor>) -> Result<()> {
        let size: u64 = tuple.iter().map(bytes).sum();
        self.area.check_limit(size)?;
        self.with(|state| {
            self.area.check_room(Some(state.tuples.len()), state.bytes + size)?;
            state.bytes += size;
            state.tuples.push_back(tuple);
            Ok(())
        })
    }

    fn take(&self) -> Result<Vec<Tensor>> {
        self.with(|state| {
            let tuple = state.tuples.pop_front().ok_or_else(|| waits("an element"))?;
            state.bytes -= tuple.iter().map(bytes).sum::<u64>();
            Ok(tuple)
        })
    }

    fn peek(&self, index: &Tensor) -> Result<Vec<Tensor>> {
        if index.rank() != 0 {
            return Err(Error::invalid_argument("index must be scalar"));
        }
        let index = usize::try_from(index.to_scalar::<i32>()?).unwrap_or(usize::MAX);
        self.with(|state| state.tuples.get(index).cloned().ok_or_else(|| waits("the element of that index")))
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let area = Area::of(node)?;
    let dtypes = node.outputs.to_vec();
    let run: fn(&Staging, &mut Context<'_>, &[DType]) -> Result<()> = match node.op() {
        "Stage" => |staging, ctx, _| staging.put(ctx.inputs(0).cloned().collect()),
        "Unstage" => |staging, ctx, dtypes| give_all(ctx, staging.take()?, dtypes),
        "StagePeek" => |staging, ctx, dtypes| {
            let tuple = staging.peek(ctx.input(0))?;
            give_all(ctx, tuple, dtypes)
        },
        "StageSize" => |staging, ctx, _| {
            ctx.set(0, Tensor::scalar(staging.with(|state| state.tuples.len()) as i32));
            Ok(())
        },
        _ => |staging, _, _| {
            staging.with(|state| *state = State::default());
            Ok(())
        },
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let make = || Ok(Staging { area: area.clone(), state: Mutex::default() });
        let staging: Arc<Staging> = ctx.run().resources.get_or_create(&area.container, &area.name, make)?;
        run(&staging, ctx, &dtypes)
    }))
}

fn give_all(ctx: &mut Context<'_>, tuple: Vec<Tensor>, dtypes: &[DType]) -> Result<()> {
    if tuple.len() != dtypes.len() {
        return Err(mismatch(tuple.len(), dtypes.len()));
    }
    give(ctx, 0, tuple, dtypes)
}

#[cfg(test)]
mod tests {
    use crate::stage_cases::Staged;

    #[test]
    fn first_in_first_out() {
        let staged = Staged::new("float int32", &[]);
        let call = |name: &str, inputs: &str| staged.call(name, inputs);
        assert_eq!(call("Stage", "float[] 1; int32[] 2"), "");
        assert_eq!(call("Stage", "float[] 3; int32[] 4"), "");
        assert_eq!(call("StageSize", ""), "int32[] 2");
        assert_eq!(call("StagePeek", "int32[] 1"), "float[] 3; int32[] 4");
        assert_eq!(call("StagePeek", "int32[1] 0"), "INVALID_ARGUMENT: index must be scalar");
        assert!(call("StagePeek", "int32[] -1").starts_with("DEADLINE_EXCEEDED"));
        assert_eq!(call("Unstage", ""), "float[] 1; int32[] 2");
        let other = staged.of("float");
        assert_eq!(other.call("Unstage", ""), "INVALID_ARGUMENT: Mismatch stage/unstage: 2 vs. 1");
        assert!(call("Unstage", "").starts_with("DEADLINE_EXCEEDED"));
        call("Stage", "float[] 1; int32[] 2");
        assert!(staged.of("float int64").call("Unstage", "").starts_with("INTERNAL: Output 1 of type int32"));
        call("Stage", "float[] 1; int32[] 2");
        assert_eq!(call("StageClear", ""), "");
        assert_eq!(call("StageSize", ""), "int32[] 0");
    }

    #[test]
    fn limits() {
        let staged = Staged::new("string", &[("capacity", 2), ("memory_limit", 60)]);
        let call = |inputs: &str| staged.call("Stage", inputs);
        assert!(call("string[2] 'aaaaaaa' 'bbbbbb'").starts_with("RESOURCE_EXHAUSTED: Attempted"));
        assert_eq!(call("string[] 'aaaa'"), "");
        assert_eq!(call("string[] 'bbbb'"), "");
        assert!(call("string[0]").starts_with("DEADLINE_EXCEEDED"));
        assert_eq!(staged.call("Unstage", ""), "string[] 'aaaa'");
        assert!(call("string[2] 'a' 'b'").starts_with("DEADLINE_EXCEEDED"));
        assert_eq!(call("string[] 'c'"), "");
    }
}
