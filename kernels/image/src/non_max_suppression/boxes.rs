//! Boxes and how much they overlap.

/// A box with its corners in order.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    low: [f32; 2],
    high: [f32; 2],
    size: f32,
}

impl Area {
    /// The box between any two opposite corners.
    pub fn of([y1, x1, y2, x2]: [f32; 4]) -> Area {
        let low = [smaller(y1, y2), smaller(x1, x2)];
        let high = [larger(y1, y2), larger(x1, x2)];
        Area { low, high, size: (high[0] - low[0]) * (high[1] - low[1]) }
    }

    /// The intersection over the union; zero when either box is empty.
    #[inline]
    pub fn overlap(&self, other: &Area) -> f32 {
        if self.size <= 0.0 || other.size <= 0.0 {
            return 0.0;
        }
        let side = |axis: usize| {
            let low = larger(self.low[axis], other.low[axis]);
            let high = smaller(self.high[axis], other.high[axis]);
            larger(high - low, 0.0)
        };
        let common = side(0) * side(1);
        common / (self.size + other.size - common)
    }
}

/// The smaller number; the first if one is NaN.
fn smaller(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

/// The larger number; the first if one is NaN.
fn larger(a: f32, b: f32) -> f32 {
    if a < b { b } else { a }
}
