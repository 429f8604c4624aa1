//! Bounds of pooling regions, drawn as TensorFlow draws them (Graham, "Fractional Max-Pooling", 2014).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_kernels_random::generator::Generator;
use savedmodel_kernels_random::philox::Words;
use savedmodel_op::{Construction, Resource};
use savedmodel_tensor::Result;

/// The bounds of both dimensions.
type Bounds = [Vec<i64>; 2];

/// Where the bounds of one node come from.
pub struct Regions {
    generator: Arc<Generator>,
    pseudo_random: bool,
    /// What was drawn for some sizes, if it is to stay.
    drawn: Option<Mutex<HashMap<[[usize; 2]; 2], Bounds>>>,
}

impl Regions {
    /// Those of a node, shared by all plans of a session.
    pub fn of(node: &Construction<'_>) -> Result<Arc<Regions>> {
        let generator = Generator::of(node)?;
        let pseudo_random: bool = node.attr("pseudo_random")?;
        let drawn = node.attr::<bool>("deterministic")?.then(Mutex::default);
        let name = format!("{}/{}/regions", node.name, node.op);
        node.resources.get_or_create("", &name, || Ok(Regions { generator, pseudo_random, drawn }))
    }

    /// The bounds of the regions of rows and of columns, for sizes `[before, after]` of each.
    pub fn draw(&self, sizes: [[usize; 2]; 2]) -> Bounds {
        let new = || sizes.map(|sizes| self.bounds(sizes));
        match &self.drawn {
            None => new(),
            Some(drawn) => {
                let mut drawn = drawn.lock().unwrap_or_else(PoisonError::into_inner);
                drawn.entry(sizes).or_insert_with(new).clone()
            }
        }
    }

    fn bounds(&self, [size, count]: [usize; 2]) -> Vec<i64> {
        let lengths =
            if self.pseudo_random { self.pseudo_random(size, count) } else { self.shuffled(size, count) };
        let mut at = 0;
        let ends = lengths.into_iter().map(|length| {
            at += length;
            at
        });
        std::iter::once(0).chain(ends).collect()
    }

    /// Steps of a line with a random start.
    fn pseudo_random(&self, size: usize, count: usize) -> Vec<i64> {
        let (length, n, k) = (size as f64, count as f64, (size / count) as f64);
        let alpha = length / n;
        let most = ((k + 2.0) / alpha - 1.0).min((length + 1.0 - k) / alpha - (n - 1.0));
        let mut words = Words::of(self.generator.reserve(1));
        let (high, low) = (words.word(), words.word());
        let bits = 1023 << 52 | u64::from(high & 0xf_ffff) << 32 | u64::from(low);
        let start = (f64::from_bits(bits) - 1.0) * most;
        let at = |i: usize| match i {
            0 => 1,
            i if i == count => size as i64 + 1,
            i => (alpha * (i as f64 + start)).ceil() as i64,
        };
        (0..count).map(|i| at(i + 1) - at(i)).collect()
    }

    /// As many regions longer by one as are needed, in random order.
    fn shuffled(&self, size: usize, count: usize) -> Vec<i64> {
        let longer = size % count;
        let mut lengths: Vec<i64> =
            (0..count).map(|i| (size / count + usize::from(i < longer)) as i64).collect();
        let mut words = Words::of(self.generator.reserve(count.div_ceil(4) as u64));
        for i in 0..count - 1 {
            lengths.swap(i, i + words.word() as usize % (count - i));
        }
        lengths
    }
}

impl Resource for Regions {
    fn fork(&self) -> Option<Regions> {
        let generator = Arc::new(self.generator.fork()?);
        let copied = |drawn: &Mutex<HashMap<_, _>>| {
            Mutex::new(drawn.lock().unwrap_or_else(PoisonError::into_inner).clone())
        };
        let drawn = self.drawn.as_ref().map(copied);
        Some(Regions { generator, pseudo_random: self.pseudo_random, drawn })
    }
}
