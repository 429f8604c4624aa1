//! Which axes are reduced.

use savedmodel_tensor::{Error, Result, Shape};
use smallvec::SmallVec;

/// For each axis, whether it is reduced.
#[derive(Clone, Debug)]
pub struct Axes(SmallVec<[bool; 6]>);

/// A run of axes next to each other that are all reduced or all kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// The product of their sizes.
    pub size: usize,
    /// Whether they are reduced.
    pub reduced: bool,
}

/// Runs, outermost first.
pub type Runs = SmallVec<[Run; 4]>;

/// What a reduction makes of one shape.
pub struct Plan {
    /// The shape of the result.
    pub shape: Shape,
    /// The runs of axes. Axes of one element belong to none; when all are such, one run stands for them, reduced.
    pub runs: Runs,
}

impl Axes {
    /// The axes of a tensor of `rank` that `indices` name; negative ones count from the end.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an index out of range or an axis named twice.
    pub fn new(indices: &[i64], rank: usize) -> Result<Axes> {
        let mut reduced = SmallVec::from_elem(false, rank);
        for &index in indices {
            let axis = if index < 0 { index + rank as i64 } else { index };
            let Some(flag) = usize::try_from(axis).ok().and_then(|axis| reduced.get_mut(axis)) else {
                return Err(Error::invalid_argument(format!(
                    "Invalid reduction dimension ({index} for input with {rank} dimension(s)"
                )));
            };
            if std::mem::replace(flag, true) {
                return Err(Error::invalid_argument(format!(
                    "Invalid reduction arguments: Axes contains duplicate dimension: {axis}"
                )));
            }
        }
        Ok(Axes(reduced))
    }

    /// The rank of the tensors that are reduced.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Whether an axis is reduced.
    pub fn is_reduced(&self, axis: usize) -> bool {
        self.0[axis]
    }

    /// What the reduction makes of a tensor of `shape`, which has the rank of these axes.
    pub fn plan(&self, shape: &Shape, keep_dims: bool) -> Plan {
        let mut runs = Runs::new();
        let mut kept = Shape::scalar();
        for (&size, &reduced) in shape.iter().zip(&self.0) {
            match reduced {
                false => kept.push(size),
                true if keep_dims => kept.push(1),
                true => {}
            }
            match runs.last_mut() {
                _ if size == 1 => {}
                Some(run) if run.reduced == reduced => run.size *= size,
                _ => runs.push(Run { size, reduced }),
            }
        }
        if runs.is_empty() {
            runs.push(Run { size: 1, reduced: true });
        }
        Plan { shape: kept, runs }
    }
}

/// The positions, from zero, of all elements of the axes that are reduced, or of all that are not, in order.
pub fn offsets(runs: &[Run], reduced: bool) -> Vec<usize> {
    let mut stride = 1;
    let mut offsets = vec![0];
    for run in runs.iter().rev() {
        if run.reduced == reduced {
            offsets = (0..run.size).flat_map(|i| offsets.iter().map(move |at| at + i * stride)).collect();
        }
        stride *= run.size;
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let check = |shape: &[usize], indices: &[i64], kept: &[usize], runs: &[(usize, bool)]| {
            let plan = Axes::new(indices, shape.len()).unwrap().plan(&Shape::from(shape), false);
            let found: Vec<_> = plan.runs.iter().map(|run| (run.size, run.reduced)).collect();
            assert_eq!((plan.shape.dims(), &found[..]), (kept, runs), "{shape:?} {indices:?}");
        };
        check(&[2, 3], &[1], &[2], &[(2, false), (3, true)]);
        check(&[2, 3, 4, 5], &[1, -2], &[2, 5], &[(2, false), (12, true), (5, false)]);
        check(&[2, 1, 4], &[0, 1], &[4], &[(2, true), (4, false)]);
        check(&[2, 1, 4], &[0, 2], &[1], &[(8, true)]);
        check(&[1, 1], &[], &[1, 1], &[(1, true)]);
        check(&[2, 3], &[], &[2, 3], &[(6, false)]);
        check(&[0, 3], &[0], &[3], &[(0, true), (3, false)]);
    }

    #[test]
    fn positions() {
        let runs = [(2, true), (2, false), (3, true)].map(|(size, reduced)| Run { size, reduced });
        assert_eq!(offsets(&runs, true), [0, 1, 2, 6, 7, 8]);
        assert_eq!(offsets(&runs, false), [0, 3]);
    }
}
