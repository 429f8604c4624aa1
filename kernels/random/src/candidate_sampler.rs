//! `UniformCandidateSampler`, `LogUniformCandidateSampler`, `FixedUnigramCandidateSampler` and their relatives.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Resource, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::alias::Alias;
use crate::generator::Generator;
use crate::philox::Words;

/// Draws classes for a loss to look at besides the true ones, and tells how often each is to be expected among them.
///
/// The operators differ in how likely a class is: all the same, as in Zipf's law, as a list or a file says, or as often as it has been
/// a true class in earlier runs (`LearnedUnigramCandidateSampler`). `AllCandidateSampler` gives them all.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LogUniformCandidateSampler>
pub const OPS: &[Op] = &[
    Op {
        attrs: &[
            "num_true: int >= 1",
            "num_sampled: int >= 1",
            "unique: bool",
            "seed: int = 0",
            "seed2: int = 0",
        ],
        ..op("AllCandidateSampler")
    },
    op("UniformCandidateSampler"),
    op("LogUniformCandidateSampler"),
    op("LearnedUnigramCandidateSampler"),
    op("ThreadUnsafeUnigramCandidateSampler"),
    Op {
        attrs: &[
            "num_true: int >= 1",
            "num_sampled: int >= 1",
            "unique: bool",
            "range_max: int >= 1",
            "vocab_file: string = ''",
            "distortion: float = 1.0",
            "num_reserved_ids: int = 0",
            "num_shards: int >= 1 = 1",
            "shard: int >= 0 = 0",
            "unigrams: list(float) = []",
            "seed: int = 0",
            "seed2: int = 0",
        ],
        ..op("FixedUnigramCandidateSampler")
    },
];

const fn op(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["true_classes: int64"],
        outputs: &[
            "sampled_candidates: int64",
            "true_expected_count: float",
            "sampled_expected_count: float",
        ],
        attrs: &[
            "num_true: int >= 1",
            "num_sampled: int >= 1",
            "unique: bool",
            "range_max: int >= 1",
            "seed: int = 0",
            "seed2: int = 0",
        ],
        effect: Effect::Random,
        shape,
        kernels: Kernels::one(build),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let classes = ctx.input(0);
    if classes.rank().is_some_and(|rank| rank != 2) {
        return Err(Error::invalid_argument(format!("true_classes must be a matrix, not {classes}")));
    }
    let sampled = PartialShape::new([ctx.attr::<usize>("num_sampled")]);
    let expected = PartialShape::new([classes.dim(0), ctx.attr::<usize>("num_true")]);
    Ok(vec![sampled.clone(), expected, sampled])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let count = |name: &str| match node.attr::<i64>(name)? {
        n if n <= i64::from(i32::MAX) => Ok(n as usize),
        n => Err(Error::invalid_argument(format!("Attr {name} has value {n} out of range for an int32"))),
    };
    let (num_true, num_sampled) = (count("num_true")?, count("num_sampled")?);
    let unique: bool = node.attr("unique")?;
    let sampler = Sampler::of(node, num_sampled)?;
    let generator = Generator::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let classes = ctx.input(0);
        if classes.rank() != 2 || classes.shape()[1] != num_true {
            return Err(Error::invalid_argument(format!(
                "true_classes must be a matrix with num_true = {num_true} columns, got {}",
                classes.shape()
            )));
        }
        if unique && num_sampled as i64 > sampler.range {
            return Err(Error::invalid_argument("Sampler's range is too small."));
        }
        let mut sampled = ctx.allocate(DType::Int64, [num_sampled])?;
        let mut expected = ctx.allocate(DType::Float, [num_sampled])?;
        let mut expected_true = ctx.allocate(DType::Float, classes.shape())?;
        let classes = classes.as_slice::<i64>()?;
        if let Some(class) = classes.iter().find(|&class| !(0..sampler.range).contains(class)) {
            let range = sampler.range;
            let what = format!("`true_candidate` out of range [0, {range}), received {class}");
            return Err(Error::invalid_argument(what));
        }
        let mut words = Words::of(generator.reserve(512 * num_sampled as u64));
        let tries = sampler.fill(sampled.as_mut_slice()?, unique, &mut words)?;
        let count = |class: &i64| sampler.expected(*class, num_sampled, tries);
        let sampled_classes = sampled.as_slice::<i64>()?;
        expected.as_mut_slice()?.iter_mut().zip(sampled_classes).for_each(|(e, class)| *e = count(class));
        expected_true.as_mut_slice()?.iter_mut().zip(classes).for_each(|(e, class)| *e = count(class));
        sampler.learn(classes);
        ctx.set(0, sampled);
        ctx.set(1, expected_true);
        ctx.set(2, expected);
        Ok(())
    }))
}

/// Classes below `range`, and how likely each is.
struct Sampler {
    range: i64,
    likely: Likely,
}

enum Likely {
    /// Each once.
    All,
    Uniform,
    LogUniform,
    /// How much each class weighs beyond 1; the nodes of a session that have the same name share it.
    Learned(Arc<Shared>),
    Weights(Weights),
}

/// What the nodes of a session that have the same name have learned.
struct Shared(Mutex<Learned>);

impl Resource for Shared {
    fn fork(&self) -> Option<Shared> {
        Some(Shared(Mutex::new(lock(self).clone())))
    }
}

/// What true classes were seen.
#[derive(Clone, Default)]
struct Learned {
    extra: BTreeMap<i64, i32>,
    total: i32,
}

struct Weights {
    each: Vec<f32>,
    total: f32,
    alias: Alias,
}

impl Sampler {
    fn of(node: &Construction<'_>, num_sampled: usize) -> Result<Sampler> {
        if node.op == "AllCandidateSampler" {
            return Ok(Sampler { range: num_sampled as i64, likely: Likely::All });
        }
        let range: i64 = node.attr("range_max")?;
        let likely = match node.op {
            "UniformCandidateSampler" => Likely::Uniform,
            "LogUniformCandidateSampler" => Likely::LogUniform,
            "FixedUnigramCandidateSampler" => Likely::Weights(Weights::of(node, range)?),
            _ if range >= i64::from(i32::MAX) => {
                return Err(Error::invalid_argument(format!(
                    "range_max must be less than {} for unigram samplers, got {range}",
                    i32::MAX
                )));
            }
            _ => Likely::Learned(node.resources.get_or_create(
                "",
                &format!("{}/{}", node.name, node.op),
                || Ok(Shared(Mutex::new(Learned { total: range as i32, ..Learned::default() }))),
            )?),
        };
        Ok(Sampler { range, likely })
    }

    /// Draws classes, one after the other or until all differ; gives the number of tries.
    fn fill(&self, classes: &mut [i64], unique: bool, words: &mut Words) -> Result<usize> {
        if let Likely::All = self.likely {
            classes.iter_mut().zip(0..).for_each(|(class, i)| *class = i);
            return Ok(classes.len());
        }
        if !unique {
            classes.iter_mut().for_each(|class| *class = self.draw(words));
            return Ok(classes.len());
        }
        if let Likely::Weights(weights) = &self.likely
            && weights.each.iter().filter(|&&weight| weight > 0.0).count() < classes.len()
        {
            return Err(Error::invalid_argument("Sampler has too few classes that can be drawn."));
        }
        let mut used = HashSet::with_capacity(classes.len());
        let mut tries = 0;
        for class in classes {
            *class = loop {
                tries += 1;
                if tries >= i32::MAX as usize {
                    return Err(Error::internal("the sampler finds no class that it has not drawn"));
                }
                let drawn = self.draw(words);
                if used.insert(drawn) {
                    break drawn;
                }
            };
        }
        Ok(tries)
    }

    fn draw(&self, words: &mut Words) -> i64 {
        match &self.likely {
            Likely::All => 0,
            Likely::Uniform => words.below_u64(self.range as u64) as i64,
            Likely::LogUniform => {
                let value = (words.uniform_f64() * (self.range as f64).ln_1p()).exp() as i64;
                (value - 1) % self.range
            }
            Likely::Learned(learned) => lock(learned).pick(words),
            Likely::Weights(weights) => weights.alias.draw(words) as i64,
        }
    }

    fn probability(&self, class: i64) -> f32 {
        match &self.likely {
            Likely::All => 1.0,
            Likely::Uniform => (1.0 / self.range as f64) as f32,
            Likely::LogUniform => {
                let class = class as f64;
                (((class + 2.0) / (class + 1.0)).ln() / (self.range as f64).ln_1p()) as f32
            }
            Likely::Learned(learned) => {
                let learned = lock(learned);
                learned.weight(class) as f32 / learned.total as f32
            }
            Likely::Weights(weights) => usize::try_from(class)
                .ok()
                .and_then(|i| weights.each.get(i))
                .map_or(0.0, |w| w / weights.total),
        }
    }

    /// How often a class is to be expected among `sampled` ones that took so many tries.
    fn expected(&self, class: i64, sampled: usize, tries: usize) -> f32 {
        let p = self.probability(class);
        if let Likely::All = self.likely {
            1.0
        } else if tries == sampled {
            p * sampled as f32
        } else {
            -(tries as f32 * (-p).ln_1p()).exp_m1()
        }
    }

    fn learn(&self, classes: &[i64]) {
        let Likely::Learned(learned) = &self.likely else { return };
        let mut learned = lock(learned);
        for &class in classes {
            if learned.total < i32::MAX {
                learned.total += 1;
                *learned.extra.entry(class).or_default() += 1;
            }
        }
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, Learned> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Learned {
    fn weight(&self, class: i64) -> i32 {
        1 + self.extra.get(&class).copied().unwrap_or(0)
    }

    /// The class at a random point of the line on which each takes as much as it weighs.
    fn pick(&self, words: &mut Words) -> i64 {
        let point = i64::from(words.below(self.total as u32));
        // What the classes before take beyond one each.
        let mut before = 0;
        for (&class, &extra) in &self.extra {
            let start = class + before;
            if point < start {
                break;
            }
            if point <= start + i64::from(extra) {
                return class;
            }
            before += i64::from(extra);
        }
        point - before
    }
}

impl Weights {
    fn of(node: &Construction<'_>, range: i64) -> Result<Weights> {
        let (file, unigrams): (String, Vec<f32>) = (node.attr("vocab_file")?, node.attr("unigrams")?);
        if file.is_empty() == unigrams.is_empty() {
            return Err(Error::invalid_argument(
                "Must provide either vocab_file or unigrams, and only one of them.",
            ));
        }
        let given = if file.is_empty() { unigrams } else { read(&file)? };
        let (shards, shard): (i64, i64) = (node.attr("num_shards")?, node.attr("shard")?);
        let distortion: f32 = node.attr("distortion")?;
        let reserved = node.attr::<i64>("num_reserved_ids")?.clamp(0, i32::MAX.into());
        if reserved > range.saturating_mul(shards) {
            return Err(wrong_range(range, reserved));
        }
        let mut each: Vec<f32> = (0..reserved).filter(|id| id % shards == shard).map(|_| 0.0).collect();
        // A class after the reserved ones has the number that its shard leaves free, as in TensorFlow.
        let first = each.len() as i64;
        let own = given.iter().zip(first..).filter(|(_, id)| id % shards == shard);
        each.extend(own.map(|(weight, _)| weight.powf(distortion)));
        if each.len() as i64 != range {
            return Err(wrong_range(range, each.len() as i64));
        }
        let total = each.iter().fold(0.0, |total, weight| total + weight);
        Ok(Weights { total, alias: Alias::of(&each), each })
    }
}

fn wrong_range(range: i64, found: i64) -> Error {
    Error::invalid_argument(format!("range is {range} must be equal to weights size {found}"))
}

/// The last column of each line.
fn read(file: &str) -> Result<Vec<f32>> {
    let text = fs::read(file).map_err(|e| Error::not_found(format!("{file}: {e}")))?;
    let text = String::from_utf8_lossy(&text);
    let weight = |line: &str| {
        let column = line.rsplit(',').next().unwrap_or_default().trim();
        column
            .parse()
            .map_err(|_| Error::invalid_argument(format!("Wrong vocabulary format at line: {line}")))
    };
    text.lines().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let unique = "num_true=2 num_sampled=4 unique=true range_max=8 seed=1 seed2=2";
        let several = "num_true=2 num_sampled=4 range_max=3 unique=false seed=1 seed2=2";
        check_rows(
            OPS,
            &[
                (
                    "UniformCandidateSampler",
                    unique,
                    "int64[1,2] 1 7",
                    "int64[4] 7 6 3 1; float[1,2] 0.5 0.5; float[4] 0.5 0.5 0.5 0.5",
                ),
                (
                    "LogUniformCandidateSampler",
                    unique,
                    "int64[1,2] 1 7",
                    "int64[4] 0 1 7 5; float[1,2] 0.705943 0.2814887; float[4] 0.8971097 0.705943 0.2814887 0.35366488",
                ),
                (
                    "LearnedUnigramCandidateSampler",
                    unique,
                    "int64[1,2] 1 7",
                    "int64[4] 7 3 6 5; float[1,2] 0.5 0.5; float[4] 0.5 0.5 0.5 0.5",
                ),
                (
                    "FixedUnigramCandidateSampler",
                    "num_true=2 num_sampled=4 range_max=3 unique=false seed=1 seed2=2 unigrams=[1.0,2.0,5.0]",
                    "int64[1,2] 1 2",
                    "int64[4] 2 2 1 1; float[1,2] 1 2.5; float[4] 2.5 2.5 1 1",
                ),
                (
                    "AllCandidateSampler",
                    "num_true=1 num_sampled=2 unique=true",
                    "int64[1,1] 1",
                    "int64[2] 0 1; float[1,1] 1; float[2] 1 1",
                ),
                (
                    "UniformCandidateSampler",
                    unique,
                    "int64[1,2] 1 8",
                    "INVALID_ARGUMENT: `true_candidate` out of range [0, 8), received 8",
                ),
                (
                    "FixedUnigramCandidateSampler",
                    several,
                    "int64[1,2] 1 2",
                    "INVALID_ARGUMENT: Must provide either vocab_file or unigrams, and only one of them.",
                ),
            ],
        );
    }
}
