//! `MapStage`, `OrderedMapStage` and what takes from, looks at, counts and clears their areas.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Resource, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::staging::{Area, bytes, give, waits};

/// They put tensors under an integer key into a staging area, take them out or look at them, by key or from any key.
///
/// `indices`, a rising row of positions of the tuple, tell which tensors are meant. A tuple can be put in by parts and is
/// there once all are; it is gone when all were taken. What is put under a key that is there is dropped. Without a key, the
/// `Ordered` operators take from the least one, the others from the newest (TensorFlow: from any).
///
/// Areas belong to the session and are shared by container and `shared_name`, or the node's own name where that is empty;
/// the two kinds apart. Where TensorFlow waits, for a key or until `capacity` or `memory_limit` (0 for none) allow another
/// tuple, this is `DEADLINE_EXCEEDED`. As in TensorFlow, of a tuple that is put in the last tensor's bytes count, and
/// looking takes off the bytes of what is seen. `INVALID_ARGUMENT` for indices that are empty, fall, lie outside of the
/// tuple, are given twice or were taken; `RESOURCE_EXHAUSTED` above the memory limit; `INTERNAL` for outputs of other
/// dtypes or too few, which are taken out all the same.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapStage>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapUnstage>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapUnstageNoKey>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapPeek>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapSize>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapIncompleteSize>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapClear>
pub const OPS: &[Op] = &[
    Op { name: "MapStage", ..STAGE },
    Op { name: "OrderedMapStage", ..STAGE },
    Op { name: "MapUnstage", ..UNSTAGE },
    Op { name: "OrderedMapUnstage", ..UNSTAGE },
    Op { name: "MapPeek", ..UNSTAGE },
    Op { name: "OrderedMapPeek", ..UNSTAGE },
    Op { name: "MapUnstageNoKey", ..NO_KEY },
    Op { name: "OrderedMapUnstageNoKey", ..NO_KEY },
    Op { name: "MapSize", ..SIZE },
    Op { name: "OrderedMapSize", ..SIZE },
    Op { name: "MapIncompleteSize", ..SIZE },
    Op { name: "OrderedMapIncompleteSize", ..SIZE },
    Op { name: "MapClear", ..CLEAR },
    Op { name: "OrderedMapClear", ..CLEAR },
];

const STAGE: Op = Op {
    inputs: &["key: int64", "indices: int32", "values: fake_dtypes"],
    attrs: &[
        "capacity: int >= 0 = 0",
        "memory_limit: int >= 0 = 0",
        "dtypes: list(type)",
        "fake_dtypes: list(type) >= 1",
        "container: string = ''",
        "shared_name: string = ''",
    ],
    ..CLEAR
};

const UNSTAGE: Op =
    Op { inputs: &["key: int64", "indices: int32"], outputs: &["values: dtypes"], attrs: SOME, ..CLEAR };

const NO_KEY: Op =
    Op { inputs: &["indices: int32"], outputs: &["key: int64", "values: dtypes"], attrs: SOME, ..CLEAR };

const SIZE: Op = Op { outputs: &["size: int32"], effect: Effect::Read, shape: shape::scalar, ..CLEAR };

const CLEAR: Op = Op {
    name: "",
    inputs: &[],
    outputs: &[],
    attrs: &[
        "capacity: int >= 0 = 0",
        "memory_limit: int >= 0 = 0",
        "dtypes: list(type)",
        "container: string = ''",
        "shared_name: string = ''",
    ],
    effect: Effect::Write,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

const SOME: &[&str] = &[
    "capacity: int >= 0 = 0",
    "memory_limit: int >= 0 = 0",
    "dtypes: list(type) >= 1",
    "container: string = ''",
    "shared_name: string = ''",
];

type Tuple = Vec<Option<Tensor>>;

/// The resource, of one of the two kinds.
struct StagingMap<const ORDERED: bool> {
    state: Mutex<State>,
}

#[derive(Clone)]
struct State {
    area: Area,
    /// How long a tuple is.
    len: usize,
    /// Whole tuples by key, each with a number that tells which one is newer.
    complete: BTreeMap<i64, (u64, Tuple)>,
    keys: BTreeMap<u64, i64>,
    incomplete: BTreeMap<i64, Tuple>,
    made: u64,
    /// Counted as TensorFlow does, which may take off more than was added.
    bytes: u64,
}

impl<const ORDERED: bool> Resource for StagingMap<ORDERED> {
    fn fork(&self) -> Option<StagingMap<ORDERED>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(StagingMap { state: Mutex::new(state) })
    }
}

impl State {
    fn put(&mut self, key: i64, indices: &[i32], tuple: Vec<Tensor>) -> Result<()> {
        let size = tuple.last().map_or(0, bytes);
        self.area.check_limit(size)?;
        let total = self.bytes.wrapping_add(size);
        if indices.len() == self.len {
            self.area.check_room(Some(self.complete.len()), total)?;
            self.complete(key, tuple.into_iter().map(Some).collect());
        } else {
            self.area.check_room(None, total)?;
            self.put_part(key, indices, tuple)?;
        }
        self.bytes = total;
        Ok(())
    }

    fn complete(&mut self, key: i64, tuple: Tuple) {
        if let std::collections::btree_map::Entry::Vacant(place) = self.complete.entry(key) {
            self.made += 1;
            place.insert((self.made, tuple));
            self.keys.insert(self.made, key);
        }
    }

    fn put_part(&mut self, key: i64, indices: &[i32], tuple: Vec<Tensor>) -> Result<()> {
        let mut present = self.incomplete.get(&key).cloned().unwrap_or_else(|| vec![None; self.len]);
        if tuple.len() < indices.len() {
            let (values, indices) = (tuple.len(), indices.len());
            return Err(Error::invalid_argument(format!("{values} values for {indices} indices")));
        }
        for (&index, tensor) in indices.iter().zip(tuple) {
            let place = place(&mut present, key, index)?;
            if place.is_some() {
                return Err(Error::invalid_argument(format!(
                    "The tensor for index '{index}' for key '{key}' was already initialized '{}'.",
                    self.len
                )));
            }
            *place = Some(tensor);
        }
        if present.iter().all(Option::is_some) {
            self.incomplete.remove(&key);
            self.complete(key, present);
        } else {
            self.incomplete.insert(key, present);
        }
        Ok(())
    }

    /// The tensors at some places of the tuple of a key; `keep` leaves them there.
    fn get(&mut self, key: i64, indices: &[i32], keep: bool) -> Result<Vec<Tensor>> {
        let (number, tuple) = self.complete.get_mut(&key).ok_or_else(|| waits("a tuple of that key"))?;
        let mut found = Vec::with_capacity(indices.len());
        for &index in indices {
            let place = place(tuple, key, index)?;
            let tensor = if keep { place.clone() } else { place.take() };
            found.push(tensor.ok_or_else(|| {
                Error::invalid_argument(format!(
                    "Tensor at index '{index}' for key '{key}' has already been removed."
                ))
            })?);
        }
        if !keep && tuple.iter().all(Option::is_none) {
            self.keys.remove(number);
            self.complete.remove(&key);
        }
        self.bytes = self.bytes.wrapping_sub(found.iter().map(bytes).sum());
        Ok(found)
    }

    /// The key that an operator without one takes from.
    fn next(&self, ordered: bool) -> Result<i64> {
        let key = match ordered {
            true => self.complete.keys().next(),
            false => self.keys.values().next_back(),
        };
        key.copied().ok_or_else(|| waits("any tuple"))
    }
}

fn place(tuple: &mut Tuple, key: i64, index: i32) -> Result<&mut Option<Tensor>> {
    let len = tuple.len();
    usize::try_from(index).ok().and_then(|index| tuple.get_mut(index)).ok_or_else(|| {
        Error::invalid_argument(format!("Index '{index}' for key '{key}' was out of bounds '{len}'."))
    })
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.op().starts_with("Ordered") { build_kind::<true>(node) } else { build_kind::<false>(node) }
}

fn build_kind<const ORDERED: bool>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let state = State {
        area: Area::of(node)?,
        len: node.attr::<Vec<DType>>("dtypes")?.len(),
        complete: BTreeMap::new(),
        keys: BTreeMap::new(),
        incomplete: BTreeMap::new(),
        made: 0,
        bytes: 0,
    };
    let dtypes = node.outputs.to_vec();
    let run: fn(&mut State, &mut Context<'_>, &[DType]) -> Result<()> =
        match node.op().trim_start_matches("Ordered") {
            "MapStage" => stage,
            "MapUnstage" => |state, ctx, dtypes| unstage(state, ctx, dtypes, false),
            "MapPeek" => |state, ctx, dtypes| unstage(state, ctx, dtypes, true),
            "MapUnstageNoKey" => |state, ctx, dtypes| {
                let indices = indices(ctx, 0)?.to_vec();
                let key = state.next(ORDERED)?;
                let tuple = state.get(key, &indices, false)?;
                ctx.set(0, Tensor::scalar(key));
                give(ctx, 1, tuple, dtypes)
            },
            "MapSize" => |state, ctx, _| size(ctx, state.complete.len()),
            "MapIncompleteSize" => |state, ctx, _| size(ctx, state.incomplete.len()),
            _ => |state, _, _| {
                state.complete.clear();
                state.keys.clear();
                state.incomplete.clear();
                state.bytes = 0;
                Ok(())
            },
        };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (container, name) = (&state.area.container, &state.area.name);
        let make = || Ok(StagingMap::<ORDERED> { state: Mutex::new(state.clone()) });
        let map: Arc<StagingMap<ORDERED>> = ctx.run().resources.get_or_create(container, name, make)?;
        let mut state = map.state.lock().unwrap_or_else(PoisonError::into_inner);
        run(&mut state, ctx, &dtypes)
    }))
}

fn stage(state: &mut State, ctx: &mut Context<'_>, _: &[DType]) -> Result<()> {
    let key = match ctx.input(0).as_slice::<i64>()? {
        &[key] => key,
        _ => {
            let shape = ctx.input(0).shape();
            let text = format!("key must be an int64 scalar, got tensor with shape: {shape}");
            return Err(Error::invalid_argument(text));
        }
    };
    let indices = indices(ctx, 1)?;
    state.put(key, indices, ctx.inputs(2).cloned().collect())
}

fn unstage(state: &mut State, ctx: &mut Context<'_>, dtypes: &[DType], keep: bool) -> Result<()> {
    if ctx.input(0).rank() != 0 {
        let text = format!("key must be an int64 scalar, got tensor with shape: {}", ctx.input(0).shape());
        return Err(Error::invalid_argument(text));
    }
    let tuple = state.get(ctx.input(0).to_scalar()?, indices(ctx, 1)?, keep)?;
    give(ctx, 0, tuple, dtypes)
}

/// The positions that an input tells.
fn indices<'a>(ctx: &'a Context<'_>, input: usize) -> Result<&'a [i32]> {
    let indices = ctx.input(input).as_slice::<i32>()?;
    if indices.is_empty() {
        return Err(Error::invalid_argument("Indices are empty"));
    }
    if indices.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(Error::invalid_argument("Indices are not strictly ordered"));
    }
    Ok(indices)
}

fn size(ctx: &mut Context<'_>, size: usize) -> Result<()> {
    ctx.set(0, Tensor::scalar(size as i32));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::stage_cases::Staged;

    fn check(staged: &Staged, rows: &[(&str, &str, &str)]) {
        for (name, inputs, want) in rows {
            let got = staged.call(name, inputs);
            assert!(
                got == *want || want.ends_with(':') && got.starts_with(want),
                "{name} {inputs}: {got}\n{want}"
            );
        }
    }

    #[test]
    fn parts() {
        check(
            &Staged::new("float int32", &[]),
            &[
                ("MapStage", "int64[] 1; int32[2] 0 1; float[] 1.5; int32[] 2", ""),
                ("MapStage", "int64[1] 1; int32[2] 0 1; float[] 9; int32[] 9", ""),
                ("MapSize", "", "int32[] 1"),
                ("MapPeek", "int64[] 1; int32[2] 0 1", "float[] 1.5; int32[] 2"),
                ("MapPeek", "int64[] 1; int32[1] 0", "INTERNAL: Missing 1-th output"),
                (
                    "MapUnstage",
                    "int64[] 1; int32[1] 1",
                    "INTERNAL: Output 0 of type int32 does not match declared output type float",
                ),
                (
                    "MapUnstage",
                    "int64[] 1; int32[2] 0 1",
                    "INVALID_ARGUMENT: Tensor at index '1' for key '1' has already been removed.",
                ),
                ("MapSize", "", "int32[] 1"),
                ("MapStage", "int64[] 2; int32[1] 1; int32[] 7", ""),
                ("MapIncompleteSize", "", "int32[] 1"),
                (
                    "MapStage",
                    "int64[] 2; int32[1] 1; int32[] 7",
                    "INVALID_ARGUMENT: The tensor for index '1' for key '2' was already initialized '2'.",
                ),
                ("MapUnstage", "int64[] 2; int32[2] 0 1", "DEADLINE_EXCEEDED:"),
                ("MapStage", "int64[] 2; int32[1] 0; float[] 6", ""),
                ("MapIncompleteSize", "", "int32[] 0"),
                ("MapUnstage", "int64[] 2; int32[2] 0 1", "float[] 6; int32[] 7"),
                ("MapStage", "int64[] 3; int32[1] 0; float[] 6", ""),
                ("MapClear", "", ""),
                ("MapIncompleteSize", "", "int32[] 0"),
            ],
        );
    }

    #[test]
    fn refusals() {
        check(
            &Staged::new("float int32", &[("memory_limit", 9), ("capacity", 2)]),
            &[
                (
                    "MapStage",
                    "int64[2] 1 2; int32[1] 0; float[] 1",
                    "INVALID_ARGUMENT: key must be an int64 scalar, got tensor with shape: [2]",
                ),
                ("MapStage", "int64[] 1; int32[0]; float[] 1", "INVALID_ARGUMENT: Indices are empty"),
                (
                    "MapStage",
                    "int64[] 1; int32[2] 1 1; float[] 1; int32[] 1",
                    "INVALID_ARGUMENT: Indices are not strictly ordered",
                ),
                (
                    "MapStage",
                    "int64[] 1; int32[1] -1; float[] 1",
                    "INVALID_ARGUMENT: Index '-1' for key '1' was out of bounds '2'.",
                ),
                (
                    "MapStage",
                    "int64[] 1; int32[3] 0 1 2; float[] 1",
                    "INVALID_ARGUMENT: 1 values for 3 indices",
                ),
                ("MapStage", "int64[] 1; int32[1] 0; float[3] 1 2 3", "RESOURCE_EXHAUSTED:"),
                ("MapStage", "int64[] 1; int32[2] 0 1; float[9] 1 2 3 4 5 6 7 8 9; int32[] 1", ""),
                ("MapStage", "int64[] 2; int32[2] 0 1; float[] 1; int32[2] 1 2", "DEADLINE_EXCEEDED:"),
                ("MapStage", "int64[] 2; int32[2] 0 1; float[] 1; int32[] 1", ""),
                ("MapStage", "int64[] 3; int32[2] 0 1; float[] 1; int32[0]", "DEADLINE_EXCEEDED:"),
                ("MapPeek", "int64[1] 1; int32[2] 0 1", "INVALID_ARGUMENT:"),
                ("MapPeek", "int64[] 1; int32[2] 0 2", "INVALID_ARGUMENT:"),
                ("MapUnstageNoKey", "int32[2] 0 1", "int64[] 2; float[] 1; int32[] 1"),
            ],
        );
    }

    #[test]
    fn order_of_keys() {
        let staged = Staged::new("int32", &[]);
        for (key, name) in
            [(5, "MapStage"), (-3, "MapStage"), (7, "OrderedMapStage"), (-9, "OrderedMapStage")]
        {
            check(&staged, &[(name, &format!("int64[] {key}; int32[1] 0; int32[] {key}"), "")]);
        }
        check(
            &staged,
            &[
                ("MapUnstageNoKey", "int32[1] 0", "int64[] -3; int32[] -3"),
                ("MapUnstageNoKey", "int32[1] 0", "int64[] 5; int32[] 5"),
                ("MapUnstageNoKey", "int32[1] 0", "DEADLINE_EXCEEDED:"),
                ("OrderedMapSize", "", "int32[] 2"),
                ("OrderedMapUnstageNoKey", "int32[1] 0", "int64[] -9; int32[] -9"),
                ("OrderedMapUnstage", "int64[] 7; int32[1] 0", "int32[] 7"),
            ],
        );
    }
}
