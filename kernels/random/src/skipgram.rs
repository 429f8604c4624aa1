//! See [`OP`].

use std::sync::{Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Resource, ShapeContext};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Tensor};

use crate::philox::{Philox, Words};

mod vocabulary;

use vocabulary::Vocabulary;

/// Pairs of words that stand near each other in a text file, as numbers, and the vocabulary. Frequent words are left out at times.
///
/// Words are what white space parts; those that occur less than `min_count` times are number 0, `UNK`. The stream of random numbers
/// is the same for all nodes. `window_size` must not be negative.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Skipgram>
pub const OP: Op = Op {
    name: "Skipgram",
    inputs: &[],
    outputs: &[
        "vocab_word: string",
        "vocab_freq: int32",
        "words_per_epoch: int64",
        "current_epoch: int32",
        "total_words_processed: int64",
        "examples: int32",
        "labels: int32",
    ],
    attrs: &[
        "filename: string",
        "batch_size: int",
        "window_size: int = 5",
        "min_count: int = 5",
        "subsample: float = 0.001",
    ],
    effect: Effect::Random,
    shape,
    kernels: Kernels::one(build),
};

/// The words that are looked at together.
const SENTENCE: usize = 1000;
/// The pairs that are made at once.
const AHEAD: usize = 3000;
/// A sentence that takes more words from the text never ends.
const MOST_LEFT_OUT: usize = 1 << 26;

fn shape(_: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rank = PartialShape::of_rank;
    Ok(vec![rank(1), rank(1), rank(0), rank(0), rank(0), rank(1), rank(1)])
}

/// A word and one near it.
type Pair = (i32, i32);

struct Text {
    vocabulary: Vocabulary,
    subsample: f32,
    window: u32,
    walk: Mutex<Walk>,
}

/// A place in the text.
#[derive(Clone)]
struct Walk {
    words: Words,
    epoch: i32,
    seen: i64,
    /// The next word of the text to take.
    next: usize,
    sentence: Vec<i32>,
    /// A word of the sentence, and the next of its neighbours up to the last.
    center: usize,
    neighbours: std::ops::Range<usize>,
    ahead: Vec<Pair>,
    used: usize,
}

impl Resource for Text {
    fn fork(&self) -> Option<Text> {
        let walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(Text {
            vocabulary: self.vocabulary.clone(),
            subsample: self.subsample,
            window: self.window,
            walk: walk.into(),
        })
    }
}

impl Text {
    fn of(node: &Construction<'_>) -> Result<Text> {
        let file: String = node.attr("filename")?;
        let window = node.int32("window_size")?;
        let window = u32::try_from(window).map_err(|_| {
            Error::invalid_argument(format!("window_size must not be negative, got {window}"))
        })?;
        let text = std::fs::read(&file).map_err(|error| {
            let text = error.to_string();
            let reason = text.split(" (os error").next().unwrap_or(&text).to_owned();
            Error::new(Error::from(error).code(), format!("{file}; {reason}"))
        })?;
        let vocabulary = Vocabulary::of(&text, node.int32("min_count")? as i32);
        let size = vocabulary.text.len();
        if (size as u64) < u64::from(window) * 10 || size == 0 {
            return Err(Error::invalid_argument(format!(
                "The text file {file} contains too little data: {size} words"
            )));
        }
        let mut walk = Walk {
            words: Words::of(Philox::new(0, 0)),
            epoch: -1,
            seen: 0,
            next: size,
            sentence: vec![0; SENTENCE],
            center: SENTENCE,
            neighbours: 0..0,
            ahead: vec![(0, 0); AHEAD],
            used: 0,
        };
        let mut made =
            Text { vocabulary, subsample: node.attr("subsample")?, window, walk: walk.clone().into() };
        made.look_ahead(&mut walk)?;
        made.walk = walk.into();
        Ok(made)
    }

    fn look_ahead(&self, walk: &mut Walk) -> Result<()> {
        for i in 0..AHEAD {
            walk.ahead[i] = self.pair(walk)?;
        }
        walk.used = 0;
        Ok(())
    }

    fn pair(&self, walk: &mut Walk) -> Result<Pair> {
        loop {
            if walk.neighbours.is_empty() {
                walk.seen += 1;
                walk.center += 1;
                if walk.center >= SENTENCE {
                    walk.center = 0;
                    self.read_sentence(walk)?;
                }
                let reach = 1 + walk.words.below(self.window) as usize;
                walk.neighbours = walk.center.saturating_sub(reach)..SENTENCE.min(walk.center + reach + 1);
            }
            let neighbour = walk.neighbours.start;
            walk.neighbours.start += 1;
            if neighbour != walk.center {
                return Ok((walk.sentence[walk.center], walk.sentence[neighbour]));
            }
        }
    }

    fn read_sentence(&self, walk: &mut Walk) -> Result<()> {
        let (text, counts) = (&self.vocabulary.text, &self.vocabulary.counts);
        let (mut filled, mut left_out) = (0, 0);
        while filled < SENTENCE {
            if walk.next >= text.len() {
                walk.epoch = walk.epoch.wrapping_add(1);
                walk.next = 0;
            }
            let word = text[walk.next];
            walk.next += 1;
            if self.subsample > 0.0 {
                let (count, share) = (counts[word as usize] as f32, self.subsample * text.len() as f32);
                // Equation 5 of https://arxiv.org/abs/1310.4546.
                let kept = ((count / share).sqrt() + 1.0) * share / count;
                if walk.words.uniform() > kept {
                    left_out += 1;
                    if left_out > MOST_LEFT_OUT {
                        return Err(Error::resource_exhausted("subsample leaves nothing of the text"));
                    }
                    continue;
                }
            }
            walk.sentence[filled] = word;
            filled += 1;
        }
        Ok(())
    }

    /// Pairs, and the epoch and the number of words seen after them.
    fn pairs(&self, count: usize) -> Result<(Vec<Pair>, i32, i64)> {
        let mut walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            pairs.push(walk.ahead[walk.used]);
            walk.used += 1;
            if walk.used == AHEAD {
                self.look_ahead(&mut walk)?;
            }
        }
        Ok((pairs, walk.epoch, walk.seen))
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let name = format!("{}/{}", node.name, node.op);
    let text = node.resources.get_or_create("", &name, || Text::of(node))?;
    let batch = node.int32("batch_size")?;
    let batch = usize::try_from(batch)
        .map_err(|_| Error::invalid_argument(format!("batch_size must not be negative, got {batch}")))?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let outputs = [ctx.allocate(i32::DTYPE, [batch])?, ctx.allocate(i32::DTYPE, [batch])?];
        let (pairs, epoch, seen) = text.pairs(batch)?;
        let vocabulary = &text.vocabulary;
        let len = vocabulary.words.len();
        ctx.set(0, Tensor::from_strings([len], vocabulary.words.clone())?);
        ctx.set(1, Tensor::from_vec([len], vocabulary.counts.clone())?);
        ctx.set(2, Tensor::scalar(vocabulary.text.len() as i64));
        ctx.set(3, Tensor::scalar(epoch));
        ctx.set(4, Tensor::scalar(seen));
        for (i, mut output) in outputs.into_iter().enumerate() {
            for (to, &(word, near)) in output.as_mut_slice::<i32>()?.iter_mut().zip(&pairs) {
                *to = if i == 0 { word } else { near };
            }
            ctx.set(5 + i, output);
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::{OpTest, show};

    use super::OP;

    #[test]
    fn table() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all("a b c a b d e f a a g h c c d b a ".repeat(3).as_bytes()).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let call = |resources: &ResourceManager, attrs: &[(&str, i64)], subsample: f32| {
            let test = OpTest::new(&OP).attr("filename", path.as_str()).attr("batch_size", 4);
            let test = test.attr("window_size", 2).attr("subsample", subsample).resources(resources);
            show(&attrs.iter().fold(test, |test, &(name, value)| test.attr(name, value)).run())
        };
        let resources = ResourceManager::new();
        let words = "string[9] 'UNK' 'a' 'c' 'b' 'd' 'g' 'f' 'e' 'h'; int32[9] 0 15 9 9 6 3 3 3 3; int64[] 51; int32[] 220; int64[] 996";
        let one = call(&resources, &[("min_count", 1)], 1e-3);
        assert_eq!(one, format!("{words}; int32[4] 1 8 8 8; int32[4] 8 1 4 1"));
        // The stream goes on.
        assert_ne!(call(&resources, &[("min_count", 1)], 1e-3), one);
        let fresh = |attrs: &[(&str, i64)], subsample| call(&ResourceManager::new(), attrs, subsample);
        assert_eq!(
            fresh(&[("min_count", 4)], 1e-3),
            "string[5] 'UNK' 'a' 'c' 'b' 'd'; int32[5] 12 15 9 9 6; int64[] 51; int32[] 535; int64[] 1012; int32[4] 1 4 4 4; int32[4] 4 1 1 4"
        );
        let near = "; int64[] 51; int32[] 437; int64[] 1502; int32[4] 1 8 8 4; int32[4] 8 1 4 8";
        assert!(fresh(&[("min_count", 1), ("window_size", 0)], 1e-3).ends_with(near));
        let error = |attrs: &[(&str, i64)], subsample, want: &str| {
            let got = fresh(attrs, subsample);
            assert!(got.starts_with(want), "{got}");
        };
        error(&[("window_size", 6)], 0.1, "INVALID_ARGUMENT: The text file ");
        error(&[("window_size", -1)], 0.1, "INVALID_ARGUMENT: window_size must not be negative, got -1");
        error(&[("batch_size", -1)], 0.1, "INVALID_ARGUMENT: batch_size must not be negative, got -1");
        error(&[], 1e-30, "RESOURCE_EXHAUSTED: subsample leaves nothing of the text");
    }
}
