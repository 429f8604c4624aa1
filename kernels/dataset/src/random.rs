//! `RandomDataset`, its second version, and `SamplingDataset`.

use std::sync::Arc;

use savedmodel_kernels_random::philox::{Philox, Words};
use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{Result, Tensor};

use crate::dataset::{DATASET, Dataset, INFINITE, give, scalar};
use crate::shuffle::{Seeds, generator};

/// Datasets of random numbers of 32 bits, without end, and of the rows that random numbers leave, as TensorFlow draws them if
/// there are seeds.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RandomDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SamplingDataset>
pub const OPS: &[Op] = &[
    Op {
        name: "RandomDataset",
        inputs: &["seed: int64", "seed2: int64"],
        kernels: Kernels::one(|_| build(false)),
        ..DATASET
    },
    Op {
        name: "RandomDatasetV2",
        inputs: &["seed: int64", "seed2: int64", "seed_generator: resource"],
        attrs: &[
            "rerandomize_each_iteration: bool = false",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|node: &Construction<'_>| build(node.attr("rerandomize_each_iteration")?)),
        ..DATASET
    },
    Op {
        name: "SamplingDataset",
        inputs: &["input_dataset: variant", "rate: float", "seed: int64", "seed2: int64"],
        attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1"],
        kernels: Kernels::one(|_| Ok(Box::new(sample))),
        ..DATASET
    },
];

fn words(seeds: &Seeds) -> Words {
    let [seed, seed2] = seeds.next();
    Words::of(Philox::seeded(seed, seed2))
}

fn build(anew: bool) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let seeds = [scalar(ctx, 0, "seed")?, scalar(ctx, 1, "seed2")?];
        let shared = if ctx.input_len() == 3 { generator(ctx, 2)? } else { None };
        let seeds = shared.unwrap_or_else(|| Arc::new(Seeds::new(seeds, anew)));
        let random = Dataset::new("RandomDataset", move |_| {
            let mut words = words(&seeds);
            Ok(Box::new(move |_: &Run<'_>| Ok(Some(vec![Tensor::scalar(i64::from(words.word()))]))))
        });
        give(ctx, random.counted(INFINITE))
    }))
}

fn sample(ctx: &mut Context<'_>) -> Result<()> {
    let input = Dataset::of(ctx.input(0))?;
    let rate: f32 = scalar(ctx, 1, "rate")?;
    let seeds = Seeds::new([scalar(ctx, 2, "seed")?, scalar(ctx, 3, "seed2")?], false);
    let sampled = Dataset::new("SamplingDataset", move |run| {
        let (mut rows, mut words) = (input.start(run)?, words(&seeds));
        Ok(Box::new(move |run: &Run<'_>| {
            while let Some(row) = rows.next(run)? {
                if words.uniform() < rate {
                    return Ok(Some(row));
                }
            }
            Ok(None)
        }))
    });
    give(ctx, sampled)
}
