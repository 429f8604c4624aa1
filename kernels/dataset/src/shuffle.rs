//! `ShuffleDataset`, `ShuffleDatasetV2` and `ShuffleDatasetV3`, and the generators of their seeds.

use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_kernels_random::philox::{self, Philox, Words};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, shape};
use savedmodel_tensor::{Error, Result};

use crate::dataset::{DATASET, Dataset, Elements, Row, give, scalar};
use crate::iterator::{deleter, give_handle};
use crate::order::repeat;

/// Datasets of the rows of another one in an order that is drawn, as TensorFlow draws it if there are seeds.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ShuffleDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ShuffleDatasetV3>
pub const OPS: &[Op] = &[
    Op {
        name: "ShuffleDataset",
        inputs: &["input_dataset: variant", "buffer_size: int64", "seed: int64", "seed2: int64"],
        attrs: RESHUFFLED,
        kernels: Kernels::one(build),
        ..DATASET
    },
    Op {
        name: "ShuffleDatasetV2",
        inputs: &["input_dataset: variant", "buffer_size: int64", "seed_generator: resource"],
        kernels: Kernels::one(build_v2),
        ..DATASET
    },
    Op {
        name: "ShuffleDatasetV3",
        inputs: &[
            "input_dataset: variant",
            "buffer_size: int64",
            "seed: int64",
            "seed2: int64",
            "seed_generator: resource",
        ],
        attrs: RESHUFFLED,
        kernels: Kernels::one(build),
        ..DATASET
    },
    Op {
        name: "ShuffleAndRepeatDataset",
        inputs: &[
            "input_dataset: variant",
            "buffer_size: int64",
            "seed: int64",
            "seed2: int64",
            "count: int64",
        ],
        attrs: RESHUFFLED,
        kernels: Kernels::one(build_repeated),
        ..DATASET
    },
    Op {
        name: "ShuffleAndRepeatDatasetV2",
        inputs: &[
            "input_dataset: variant",
            "buffer_size: int64",
            "seed: int64",
            "seed2: int64",
            "count: int64",
            "seed_generator: resource",
        ],
        attrs: RESHUFFLED,
        kernels: Kernels::one(build_repeated),
        ..DATASET
    },
    Op {
        name: "AnonymousSeedGenerator",
        inputs: &["seed: int64", "seed2: int64", "reshuffle: bool"],
        outputs: &["handle: resource", "deleter: variant"],
        attrs: &[],
        effect: Effect::Random,
        shape: shape::scalar,
        kernels: Kernels::one(build_generator),
    },
    Op {
        name: "DummySeedGenerator",
        inputs: &[],
        outputs: &["handle: resource"],
        attrs: &[],
        effect: Effect::Random,
        shape: shape::scalar,
        kernels: Kernels::one(|_| {
            Ok(Box::new(|ctx: &mut Context<'_>| give_handle(ctx, "DummySeedGenerator", ())))
        }),
    },
];

const RESHUFFLED: &[&str] = &[
    "reshuffle_each_iteration: bool = true",
    "output_types: list(type) >= 1",
    "output_shapes: list(shape) >= 1",
    "metadata: string = ''",
];

/// What gives each way through a dataset its seeds.
pub enum Seeds {
    /// Always the same.
    Fixed([u64; 2]),
    /// The next of a stream.
    Stream(Mutex<Words>),
}

impl Seeds {
    /// Those of an operator; without seeds nobody knows them.
    pub fn new([seed, seed2]: [i64; 2], reshuffle: bool) -> Seeds {
        let seeds = philox::seeds([seed, seed2]);
        match reshuffle {
            true => Seeds::Stream(Mutex::new(Words::of(Philox::seeded(seeds[0], seeds[1])))),
            false => Seeds::Fixed(seeds),
        }
    }

    /// The seeds of one more way.
    pub fn next(&self) -> [u64; 2] {
        match self {
            Seeds::Fixed(seeds) => *seeds,
            Seeds::Stream(words) => {
                let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
                [words.word().into(), words.word().into()]
            }
        }
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let reshuffle: bool = node.attr("reshuffle_each_iteration")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let seeds = [scalar(ctx, 2, "seed")?, scalar(ctx, 3, "seed2")?];
        let shared = match ctx.input_len() {
            5 => generator(ctx, 4)?,
            _ => None,
        };
        let seeds = shared.unwrap_or_else(|| Arc::new(Seeds::new(seeds, reshuffle)));
        let shuffled = shuffled(ctx, seeds)?;
        give(ctx, shuffled)
    }))
}

fn build_v2(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let seeds = generator(ctx, 2)?.unwrap_or_else(|| Arc::new(Seeds::new([0, 0], true)));
        let shuffled = shuffled(ctx, seeds)?;
        give(ctx, shuffled)
    }))
}

/// The generator of seeds that input `i` holds, if it does.
///
/// # Errors
/// `INVALID_ARGUMENT` when the input is no resource.
pub fn generator(ctx: &Context<'_>, i: usize) -> Result<Option<Arc<Seeds>>> {
    Ok(ctx.input(i).handles()?.first().and_then(|handle| handle.get_arc()))
}

fn build_generator(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let seeds = [scalar(ctx, 0, "seed")?, scalar(ctx, 1, "seed2")?];
        let reshuffle = scalar(ctx, 2, "reshuffle")?;
        give_handle(ctx, "SeedGenerator", Seeds::new(seeds, reshuffle))?;
        ctx.set(1, deleter()?);
        Ok(())
    }))
}

/// Rows that the buffer holds, which input 1 tells.
fn size(ctx: &Context<'_>) -> Result<usize> {
    let size: i64 = scalar(ctx, 1, "buffer_size")?;
    if size <= 0 && size != -1 {
        return Err(Error::invalid_argument("buffer_size must be greater than zero or UNKNOWN_CARDINALITY"));
    }
    Ok(usize::try_from(size).unwrap_or(usize::MAX))
}

fn build_repeated(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let reshuffle: bool = node.attr("reshuffle_each_iteration")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let seeds = [scalar(ctx, 2, "seed")?, scalar(ctx, 3, "seed2")?];
        let times: i64 = scalar(ctx, 4, "count")?;
        if times <= 0 && times != -1 {
            return Err(Error::invalid_argument("count must be greater than zero or equal to -1."));
        }
        let shared = if ctx.input_len() == 6 { generator(ctx, 5)? } else { None };
        let seeds = shared.unwrap_or_else(|| Arc::new(Seeds::new(seeds, reshuffle)));
        let shuffled = shuffled(ctx, seeds)?;
        give(ctx, repeat(shuffled, times))
    }))
}

fn shuffled(ctx: &Context<'_>, seeds: Arc<Seeds>) -> Result<Dataset> {
    let (input, size) = (Dataset::of(ctx.input(0))?, size(ctx)?);
    let count = input.count();
    let dataset = Dataset::new("ShuffleDataset", move |run| {
        let [seed, seed2] = seeds.next();
        let words = Words::of(Philox::seeded(seed, seed2));
        let buffer = Vec::new();
        Ok(Box::new(Shuffle { rows: input.start(run)?, words, size, buffer, start: 0, ended: false }))
    });
    Ok(dataset.counted(count))
}

struct Shuffle {
    rows: Box<dyn Elements>,
    words: Words,
    size: usize,
    /// A ring of the rows that wait, of which the first is at `start`.
    buffer: Vec<Option<Row>>,
    start: usize,
    ended: bool,
}

impl Elements for Shuffle {
    fn next(&mut self, run: &Run<'_>) -> Result<Option<Row>> {
        let waiting = |buffer: &[Option<Row>]| buffer.iter().filter(|row| row.is_some()).count();
        while !self.ended && waiting(&self.buffer) < self.size {
            match self.rows.next(run)? {
                // The place behind the last row that waits, which once the ring is full is the one that was left.
                Some(row) => match self.buffer.iter().position(Option::is_none) {
                    Some(free) => self.buffer[free] = Some(row),
                    None => self.buffer.push(Some(row)),
                },
                None => self.ended = true,
            }
        }
        let count = waiting(&self.buffer);
        if count == 0 {
            return Ok(None);
        }
        let len = self.buffer.len();
        let offset = self.words.word() as usize % count;
        let picked = (self.start + offset) % len;
        self.buffer.swap(picked, self.start);
        let row = self.buffer[self.start].take();
        self.start = (self.start + 1) % len;
        Ok(row)
    }
}
