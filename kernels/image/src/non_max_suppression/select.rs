//! How candidates are chosen one after another.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use savedmodel_op::Context;
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor, f16};

/// A float of scores and thresholds; arithmetic is single precision, rounded.
pub trait Score: savedmodel_tensor::Element {
    /// The most negative number.
    const LOWEST: f32;
    /// In single precision.
    fn single(self) -> f32;
    /// Rounded from single precision.
    fn of_single(x: f32) -> Self;
    /// Rounded to this type and back.
    fn round(x: f32) -> f32 {
        Self::of_single(x).single()
    }
}

impl Score for f32 {
    const LOWEST: f32 = f32::MIN;
    fn single(self) -> f32 {
        self
    }
    fn of_single(x: f32) -> f32 {
        x
    }
}

impl Score for f16 {
    const LOWEST: f32 = -65504.0;
    fn single(self) -> f32 {
        self.to_f32()
    }
    fn of_single(x: f32) -> f16 {
        f16::from_f32(x)
    }
}

/// What decides which candidates are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The most that are chosen.
    pub limit: usize,
    /// More overlap than this suppresses.
    pub overlap: f32,
    /// Only larger scores are chosen.
    pub score: f32,
    /// Deviation of the curve by which overlap lowers scores instead of suppressing; 0 for none.
    pub sigma: f32,
    /// Rounds to the scores' type.
    pub round: fn(f32) -> f32,
}

struct Candidate {
    index: usize,
    score: f32,
    /// Chosen boxes before this one have had their effect on the score.
    seen: usize,
}

impl Ord for Candidate {
    /// Of equal scores, the first is the greatest. No score is NaN, which is above no threshold.
    fn cmp(&self, other: &Candidate) -> Ordering {
        let by_score = self.score.partial_cmp(&other.score).unwrap_or(Ordering::Equal);
        by_score.then(other.index.cmp(&self.index))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

/// The chosen candidates in order, with their last scores; `overlap(i, j)` tells how much two overlap.
pub fn select(
    scores: impl Iterator<Item = f32>,
    rules: Rules,
    overlap: impl Fn(usize, usize) -> f32,
) -> Vec<(usize, f32)> {
    let candidate = |(index, score)| Candidate { index, score, seen: 0 };
    let mut waiting: BinaryHeap<Candidate> =
        scores.enumerate().filter(|(_, score)| *score > rules.score).map(candidate).collect();
    let mut chosen: Vec<(usize, f32)> = Vec::new();
    while chosen.len() < rules.limit {
        let Some(mut next) = waiting.pop() else { break };
        let before = next.score;
        let unseen = &chosen[next.seen..];
        let suppressed = suppress(&mut next, unseen, rules, &overlap);
        next.seen = chosen.len();
        if suppressed {
            continue;
        }
        if next.score == before {
            chosen.push((next.index, next.score));
        } else if next.score > rules.score {
            waiting.push(next);
        }
    }
    chosen
}

/// Lowers the score by boxes that were chosen, the last first; whether one suppresses the candidate altogether.
fn suppress(
    next: &mut Candidate,
    chosen: &[(usize, f32)],
    rules: Rules,
    overlap: impl Fn(usize, usize) -> f32,
) -> bool {
    let Rules { round, sigma, .. } = rules;
    let is_soft = sigma > 0.0;
    let scale = if is_soft { round(-0.5 / sigma) } else { 0.0 };
    for &(other, _) in chosen.iter().rev() {
        let common = round(overlap(next.index, other));
        let weight = if is_soft {
            round(round(round(scale * common) * common).exp())
        } else if common > rules.overlap {
            return true;
        } else {
            f32::from(u8::from(common <= rules.overlap))
        };
        next.score = round(next.score * weight);
        if next.score <= rules.score {
            break;
        }
    }
    false
}

/// The scalar input `i`, in single precision.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is no scalar.
pub fn threshold(ctx: &Context<'_>, i: usize, name: &str) -> Result<f32> {
    let tensor = ctx.input(i);
    check_scalar(tensor, name)?;
    match tensor.dtype() {
        DType::Half => Ok(tensor.to_scalar::<f16>()?.single()),
        _ => tensor.to_scalar::<f32>(),
    }
}

/// The scalar input `i`.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is no scalar.
pub fn count(ctx: &Context<'_>, i: usize, name: &str) -> Result<i32> {
    check_scalar(ctx.input(i), name)?;
    ctx.input(i).to_scalar()
}

fn check_scalar(tensor: &Tensor, name: &str) -> Result<()> {
    match tensor.rank() {
        0 => Ok(()),
        _ => Err(Error::invalid_argument(format!("{name} must be 0-D, got shape {}", tensor.shape()))),
    }
}

/// Checks that an overlap is a part of one.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is not.
pub fn check_overlap(threshold: f32) -> Result<()> {
    match (0.0..=1.0).contains(&threshold) {
        true => Ok(()),
        false => Err(Error::invalid_argument("iou_threshold must be in [0, 1]")),
    }
}

/// Checks that there is a score for each of `count` boxes.
///
/// # Errors
/// `INVALID_ARGUMENT` when there is not.
pub fn check_scores(scores: &Shape, count: usize) -> Result<()> {
    let rank = scores.rank();
    if rank != 1 {
        return Err(Error::invalid_argument(format!(
            "scores must be 1-D{scores} (Shape must be rank 1 but is rank {rank})"
        )));
    }
    if scores[0] != count {
        return Err(Error::invalid_argument(format!(
            "scores has incompatible shape (Dimensions must be equal, but are {count} and {})",
            scores[0]
        )));
    }
    Ok(())
}
