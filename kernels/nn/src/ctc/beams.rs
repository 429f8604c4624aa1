//! A beam search over label sequences, without a language model.

use std::collections::HashMap;

use num_traits::Float;
use savedmodel_tensor::{Element, Error, Result};

use super::leaves::Leaves;

/// A type of log probabilities.
pub trait Real: Element + Float {
    /// `log(e^a + e^b)`, whose correction TensorFlow takes in single precision for any type.
    fn add_logs(a: Self, b: Self) -> Self;
    /// `e^self` in single precision.
    fn exp_single(self) -> Self;
}

macro_rules! real {
    ($($t:ty)*) => {$(
        impl Real for $t {
            fn exp_single(self) -> $t {
                (self as f32).exp() as $t
            }
            fn add_logs(a: $t, b: $t) -> $t {
                let (low, high) = if a > b { (b, a) } else { (a, b) };
                if a == <$t>::NEG_INFINITY {
                    b
                } else if b == <$t>::NEG_INFINITY {
                    a
                } else {
                    high + ((low - high) as f32).exp().ln_1p() as $t
                }
            }
        }
    )*};
}

real! { f32 f64 }

/// Log probabilities of a label sequence: in all, when it ends with a blank, when it ends with its last label.
#[derive(Clone, Copy)]
struct Logs<T> {
    total: T,
    blank: T,
    label: T,
}

impl<T: Real> Logs<T> {
    fn never() -> Logs<T> {
        let never = T::neg_infinity();
        Logs { total: never, blank: never, label: never }
    }
}

struct Beam<T> {
    /// What it goes on from; none for the empty sequence.
    parent: Option<u32>,
    label: u32,
    before: Logs<T>,
    now: Logs<T>,
}

/// A search that has seen some steps of one sequence; the last class is the blank.
pub struct Beams<T> {
    width: usize,
    all: Vec<Beam<T>>,
    children: HashMap<(u32, u32), u32>,
    leaves: Leaves,
}

impl<T: Real> Beams<T> {
    /// A search that keeps `width` sequences, more than none.
    pub fn new(width: usize) -> Beams<T> {
        let certain = Logs { total: T::zero(), blank: T::zero(), label: T::neg_infinity() };
        let root = Beam { parent: None, label: u32::MAX, before: Logs::never(), now: certain };
        let mut leaves = Leaves::new(width);
        leaves.push(0, &|_, _| false);
        Beams { width, all: vec![root], children: HashMap::new(), leaves }
    }

    /// Takes a step with these logits.
    pub fn step(&mut self, logits: &[T]) {
        let (labels, blank) = (&logits[..logits.len() - 1], logits[logits.len() - 1]);
        let largest = logits.iter().copied().fold(logits[0], |a, b| if b > a { b } else { a });
        let sum = logits.iter().fold(T::zero(), |sum, &x| sum + (x - largest).exp());
        let norm = largest + sum.ln();
        let all = &mut self.all;
        let branches = self.leaves.take(&|a, b| above(all, a, b));
        for &branch in &branches {
            all[branch as usize].before = all[branch as usize].now;
        }
        for &branch in &branches {
            let mut now = all[branch as usize].now;
            let Beam { parent, label, before, .. } = all[branch as usize];
            if let Some(parent) = parent {
                let parent = &all[parent as usize];
                if parent.now.total != T::neg_infinity() {
                    now.label = T::add_logs(now.label, follow(parent, label));
                }
                now.label = now.label + (labels[label as usize] - norm);
            }
            now.blank = before.total + blank - norm;
            now.total = T::add_logs(now.blank, now.label);
            all[branch as usize].now = now;
            self.leaves.push(branch, &|a, b| above(all, a, b));
        }
        for &branch in &branches {
            if self.is_candidate(self.all[branch as usize].before.total) {
                self.grow(branch, labels, norm);
            }
        }
    }

    /// Whether a sequence of this log probability has a place among the leaves.
    fn is_candidate(&mut self, total: T) -> bool {
        let all = &self.all;
        total > T::neg_infinity()
            && (self.leaves.len() < self.width
                || total > all[self.leaves.worst(&|a, b| above(all, a, b)) as usize].now.total)
    }

    /// Goes on from a branch with each label.
    fn grow(&mut self, branch: u32, labels: &[T], norm: T) {
        for (label, &logit) in (0_u32..).zip(labels) {
            let known = self.children.get(&(branch, label)).copied();
            if known.is_some_and(|child| self.all[child as usize].now.total != T::neg_infinity()) {
                continue;
            }
            let total = logit - norm + follow(&self.all[branch as usize], label);
            if !self.is_candidate(total) {
                // A branch that lost its place in this step does not grow later in it.
                if let Some(child) = known {
                    self.all[child as usize].before = Logs::never();
                }
                continue;
            }
            let child = known.unwrap_or_else(|| {
                let child = self.all.len() as u32;
                self.all.push(Beam {
                    parent: Some(branch),
                    label,
                    before: Logs::never(),
                    now: Logs::never(),
                });
                self.children.insert((branch, label), child);
                child
            });
            self.all[child as usize].now = Logs { total, blank: T::neg_infinity(), label: total };
            if self.leaves.len() == self.width {
                let worst = self.leaves.worst(&|a, b| above(&self.all, a, b));
                self.all[worst as usize].now = Logs::never();
            }
            self.leaves.push(child, &|a, b| above(&self.all, a, b));
        }
    }

    /// The `count` most probable sequences and their log probabilities.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there are fewer.
    pub fn best(&self, count: usize, merge_repeated: bool) -> Result<Vec<(Vec<i64>, T)>> {
        if count > self.width {
            return Err(Error::invalid_argument("requested more paths than the beam width."));
        }
        if count > self.leaves.len() {
            return Err(Error::invalid_argument("Less leaves in the beam search than requested."));
        }
        let mut best = Leaves::new(count);
        for &leaf in self.leaves.items() {
            best.push(leaf, &|a, b| above(&self.all, a, b));
        }
        let best = best.take(&|a, b| above(&self.all, a, b));
        Ok(best
            .iter()
            .map(|&leaf| (self.labels(leaf, merge_repeated), self.all[leaf as usize].now.total))
            .collect())
    }

    fn labels(&self, leaf: u32, merge_repeated: bool) -> Vec<i64> {
        let (mut labels, mut beam) = (Vec::new(), &self.all[leaf as usize]);
        while let Some(parent) = beam.parent {
            labels.push(i64::from(beam.label));
            beam = &self.all[parent as usize];
        }
        if merge_repeated {
            labels.dedup();
        }
        labels.reverse();
        labels
    }
}

/// The log probability of a sequence that this label may follow: after itself only if a blank is between.
fn follow<T: Real>(beam: &Beam<T>, label: u32) -> T {
    if beam.label == label { beam.before.blank } else { beam.before.total }
}

fn above<T: Real>(all: &[Beam<T>], a: &u32, b: &u32) -> bool {
    all[*a as usize].now.total > all[*b as usize].now.total
}
