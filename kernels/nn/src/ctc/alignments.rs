//! All alignments of a label sequence with the steps of an input, summed forwards and backwards.

use super::Real;

/// Log probabilities of the alignments of one sequence (Graves, Supervised Sequence Labelling, chapter 7).
///
/// The labels stand with blanks before, between and after them; a position `u` among these and a step `t` make a cell.
pub struct Alignments<T> {
    /// Probabilities of classes, step after step.
    odds: Vec<T>,
    classes: usize,
    /// Labels with blanks.
    extended: Vec<usize>,
    merge: bool,
    /// Log probabilities up to a cell and after it, step after step.
    forward: Vec<T>,
    backward: Vec<T>,
    total: T,
}

impl<T: Real> Alignments<T> {
    /// The alignments of labels, all of them below the last class, with logits of one or more steps.
    ///
    /// With `merge` equal labels in a row need a blank between them.
    pub fn new<'a>(
        logits: impl ExactSizeIterator<Item = &'a [T]>,
        labels: &[usize],
        merge: bool,
    ) -> Alignments<T>
    where
        T: 'a,
    {
        let (mut odds, mut classes, steps) = (Vec::new(), 0, logits.len());
        for row in logits {
            classes = row.len();
            let largest = row.iter().copied().fold(row[0], larger);
            let start = odds.len();
            odds.extend(row.iter().map(|&x| (x - largest).exp()));
            let sum = odds[start..].iter().fold(T::zero(), |sum, &x| sum + x);
            odds[start..].iter_mut().for_each(|x| *x = *x / sum);
        }
        let blank = classes - 1;
        let extended: Vec<usize> =
            labels.iter().flat_map(|&label| [blank, label]).chain(std::iter::once(blank)).collect();
        let cells = vec![T::neg_infinity(); extended.len() * steps];
        let mut all = Alignments {
            odds,
            classes,
            extended,
            merge,
            forward: cells.clone(),
            backward: cells,
            total: T::neg_infinity(),
        };
        all.sum_forwards(steps);
        all.sum_backwards(steps);
        let first = all.forward.iter().zip(&all.backward).take(all.extended.len());
        all.total = first.fold(T::neg_infinity(), |sum, (&a, &b)| T::add_logs(sum, a + b));
        all
    }

    /// The log probability of the labels.
    pub fn log_probability(&self) -> T {
        self.total
    }

    /// Writes the gradient of the negative log probability by the logits of a step.
    pub fn gradient(&self, t: usize, slope: &mut [T]) {
        let odds = &self.odds[t * self.classes..][..self.classes];
        if self.total == T::neg_infinity() {
            slope.copy_from_slice(odds);
            return;
        }
        slope.fill(T::neg_infinity());
        let cells = t * self.extended.len()..;
        for ((&class, &a), &b) in
            self.extended.iter().zip(&self.forward[cells.clone()]).zip(&self.backward[cells])
        {
            slope[class] = T::add_logs(slope[class], a + b);
        }
        for (slope, &odds) in slope.iter_mut().zip(odds) {
            *slope = odds - (*slope - self.total).exp_single();
        }
    }

    fn log_odds(&self, t: usize, u: usize) -> T {
        self.odds[t * self.classes + self.extended[u]].ln()
    }

    /// The positions that step `t` may be at: others leave too few steps, or come too early.
    fn positions(&self, t: usize, steps: usize) -> std::ops::Range<usize> {
        let len = self.extended.len();
        len.saturating_sub(2 * (steps - t))..len.min(2 * (t + 1))
    }

    fn stays(&self, u: usize) -> bool {
        self.merge || self.extended[u] == self.classes - 1
    }

    /// Whether a path may go from position `u` over the next one.
    fn skips(&self, u: usize) -> bool {
        let (from, to) = (self.extended[u], self.extended[u + 2]);
        from != self.classes - 1 && !(self.merge && from == to)
    }

    fn sum_forwards(&mut self, steps: usize) {
        let len = self.extended.len();
        for u in 0..len.min(2) {
            self.forward[u] = self.log_odds(0, u);
        }
        for t in 1..steps {
            for u in self.positions(t, steps) {
                let before = &self.forward[(t - 1) * len..][..len];
                let mut sum = if self.stays(u) { before[u] } else { T::neg_infinity() };
                if u > 0 {
                    sum = T::add_logs(sum, before[u - 1]);
                }
                if u > 1 && self.skips(u - 2) {
                    sum = T::add_logs(sum, before[u - 2]);
                }
                self.forward[t * len + u] = self.log_odds(t, u) + sum;
            }
        }
    }

    fn sum_backwards(&mut self, steps: usize) {
        let len = self.extended.len();
        // Where there is no label, TensorFlow starts from the last two steps and not from the last two positions.
        let cells = self.backward.len();
        self.backward[cells.saturating_sub(2)..].fill(T::zero());
        for t in (0..steps - 1).rev() {
            for u in self.positions(t, steps) {
                let after = |u: usize| self.backward[(t + 1) * len + u] + self.log_odds(t + 1, u);
                let mut sum = self.backward[t * len + u];
                if self.stays(u) {
                    sum = T::add_logs(sum, after(u));
                }
                if u + 1 < len {
                    sum = T::add_logs(sum, after(u + 1));
                }
                if u + 2 < len && self.skips(u) {
                    sum = T::add_logs(sum, after(u + 2));
                }
                self.backward[t * len + u] = sum;
            }
        }
    }
}

/// The larger number, or NaN if either is.
fn larger<T: Real>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability that a path, merged, is the labels: all paths, one by one.
    fn by_paths(odds: &[f64], classes: usize, labels: &[usize], merge: bool) -> f64 {
        let steps = odds.len() / classes;
        let mut sum = 0.0;
        for number in 0..classes.pow(steps as u32) {
            let path: Vec<usize> = (0..steps).map(|t| number / classes.pow(t as u32) % classes).collect();
            let mut said = Vec::new();
            for (t, &class) in path.iter().enumerate() {
                if class != classes - 1 && !(merge && t > 0 && path[t - 1] == class) {
                    said.push(class);
                }
            }
            if said == labels {
                sum += path.iter().enumerate().map(|(t, &class)| odds[t * classes + class]).product::<f64>();
            }
        }
        sum
    }

    #[test]
    fn sums_over_all_paths() {
        let logits: Vec<f64> = (0..15).map(|i| f64::from(i * i % 7) / 3.0 - 1.0).collect();
        for labels in [&[0][..], &[1, 1], &[0, 1, 0], &[0, 0, 1]] {
            for merge in [true, false] {
                let all = Alignments::new(logits.chunks_exact(3), labels, merge);
                let want = by_paths(&all.odds, 3, labels, merge).ln();
                let got = all.log_probability();
                assert!((got - want).abs() < 1e-5 || got == want, "{labels:?} {merge}: {got} {want}");
                // Halves of the change of the loss between logits moved up and down.
                let loss = |i: usize, by: f64| {
                    let mut moved = logits.clone();
                    moved[i] += by;
                    -Alignments::new(moved.chunks_exact(3), labels, merge).log_probability()
                };
                for t in 0..5 {
                    let mut slope = [0.0; 3];
                    all.gradient(t, &mut slope);
                    for (class, slope) in slope.into_iter().enumerate() {
                        let i = t * 3 + class;
                        let want = (loss(i, 0.05) - loss(i, -0.05)) / 0.1;
                        assert!((slope - want).abs() < 2e-3, "{labels:?} {merge} {i}: {slope} {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn without_a_path() {
        let all = Alignments::<f32>::new([[0.0, 0.0]; 2].iter().map(|row| &row[..]), &[0, 0], true);
        assert_eq!(all.log_probability(), f32::NEG_INFINITY);
        let mut slope = [0.0; 2];
        all.gradient(1, &mut slope);
        assert_eq!(slope, [0.5; 2]);
    }
}
