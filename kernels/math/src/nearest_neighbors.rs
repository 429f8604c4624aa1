//! See [`OP`].

use std::cmp::Ordering;

use savedmodel_math::gemm::{Gemm, View};
use savedmodel_math::{order, par};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

/// For each point the nearest of some centers, nearest first, and the squared distances to them.
///
/// Of centers at the same distance the first comes first; there may be fewer than `k` centers. Distances that are no numbers end where
/// TensorFlow's algorithms leave them.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/NearestNeighbors>
pub const OP: Op = Op {
    name: "NearestNeighbors",
    inputs: &["points: float", "centers: float", "k: int64"],
    outputs: &["nearest_center_indices: int64", "nearest_center_distances: float"],
    attrs: &[],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let nearest = PartialShape::new(vec![ctx.input(0).dim(0), None]);
    Ok(vec![nearest.clone(), nearest])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (points, centers) = (matrix(ctx.input(0), "points")?, matrix(ctx.input(1), "centers")?);
        if ctx.input(2).rank() != 0 {
            return Err(Error::invalid_argument("Input k should be a scalar."));
        }
        if points.rows == 0 {
            return Err(Error::invalid_argument("Expected points.rows() > 0."));
        }
        if points.columns != centers.columns {
            return Err(Error::invalid_argument(format!(
                "Expected point_dimensions == center_dimensions: {} vs {}.",
                points.columns, centers.columns
            )));
        }
        let k = usize::try_from(ctx.input(2).to_scalar::<i64>()?)
            .map_err(|_| Error::invalid_argument("Input k should not be negative."))?
            .min(centers.rows);
        let shape = Shape::from([points.rows, k]);
        let mut indices = ctx.allocate(DType::Int64, &shape)?;
        let mut distances = ctx.allocate(DType::Float, &shape)?;
        if k > 0 {
            let nearest = nearest(&points, &centers, k);
            let (indices, distances) = (indices.as_mut_slice::<i64>()?, distances.as_mut_slice::<f32>()?);
            for ((index, distance), found) in indices.iter_mut().zip(distances).zip(nearest) {
                (*distance, *index) = (found.0, found.1 as i64);
            }
        }
        ctx.set(0, indices);
        ctx.set(1, distances);
        Ok(())
    }))
}

/// Rows of numbers.
struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
}

fn matrix<'a>(tensor: &'a Tensor, name: &str) -> Result<Matrix<'a>> {
    match tensor.shape().dims() {
        &[rows, columns] => Ok(Matrix { data: tensor.as_slice()?, rows, columns }),
        _ => Err(Error::invalid_argument(format!("Input {name} should be a matrix."))),
    }
}

impl Matrix<'_> {
    /// Half of the squared length of each row.
    fn half_squares(&self) -> Vec<f32> {
        let row = |row: usize| &self.data[row * self.columns..][..self.columns];
        let square = |x: &[f32]| x.iter().fold(0.0_f32, |sum, &x| x.mul_add(x, sum));
        (0..self.rows).map(|at| 0.5 * square(row(at))).collect()
    }
}

/// The squared distance and the index of the `k` nearest centers of each point.
fn nearest(points: &Matrix<'_>, centers: &Matrix<'_>, k: usize) -> Vec<(f32, usize)> {
    /// Products made at once.
    const BLOCK: usize = 1 << 18;
    let (point_squares, center_squares) = (points.half_squares(), centers.half_squares());
    let mut found = vec![(0.0, 0); points.rows * k];
    let block = (BLOCK / centers.rows).clamp(1, points.rows);
    let mut products = vec![0.0_f32; block * centers.rows];
    let transposed = View { data: centers.data, row_stride: 1, column_stride: centers.columns };
    for (found, first) in found.chunks_mut(block * k).zip((0..).step_by(block)) {
        let rows = found.len() / k;
        let data = &points.data[first * points.columns..][..rows * points.columns];
        let products = &mut products[..rows * centers.rows];
        let sizes = [rows, points.columns, centers.rows];
        Gemm::default().run(sizes, View::new(data, points.columns), transposed, products);
        let products = &*products;
        par::for_rows_mut(found, k, 4096 / centers.rows + 1, |start, found| {
            for (row, found) in (start..).zip(found.chunks_exact_mut(k)) {
                let products = &products[row * centers.rows..][..centers.rows];
                // Adding zero makes a negative zero equal to a positive one.
                let distances =
                    products.iter().zip(&center_squares).map(|(product, square)| square - product + 0.0);
                least(distances, found);
                found.iter_mut().for_each(|(distance, _)| {
                    let square = 2.0 * (point_squares[first + row] + *distance);
                    *distance = if square < 0.0 { 0.0 } else { square };
                });
            }
        });
    }
    found
}

/// The least of some distances with their indices, in order.
fn least(distances: impl Iterator<Item = f32>, found: &mut [(f32, usize)]) {
    let less = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let pairs = distances.enumerate().map(|(i, distance)| (distance, i));
    if let [found] = found {
        // A first distance that is not a number is not above any.
        *found = pairs.reduce(|least, next| if next.0 < least.0 { next } else { least }).unwrap_or_default();
        return;
    }
    let mut all: Vec<_> = pairs.collect();
    let k = found.len();
    if all.iter().any(|(distance, _)| distance.is_nan()) {
        // Whatever is compared with such a distance is as near, and the index decides.
        let before = |a: &(f32, usize), b: &(f32, usize)| {
            a.0 < b.0 || a.0.partial_cmp(&b.0) != Some(Ordering::Greater) && a.1 < b.1
        };
        match k < all.len() {
            true => all = order::top(k, all.into_iter(), before, true),
            false => order::sort(&mut all, before),
        }
        found.copy_from_slice(&all);
        return;
    }
    all.select_nth_unstable_by(k - 1, less);
    all[..k].sort_unstable_by(less);
    found.copy_from_slice(&all[..k]);
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "NearestNeighbors";
        let (points, centers) = ("float[3,2] 0 1 2 3 4 5", "float[4,2] 0 1.5 3 4.5 6 7.5 9 10.5");
        let rows = [
            (
                format!("{points}; {centers}; int64[] 2"),
                "int64[3,2] 0 1 1 0 1 2; float[3,2] 0.25 21.25 3.25 6.25 1.25 10.25",
            ),
            (format!("{points}; {centers}; int64[] 1"), "int64[3,1] 0 1 1; float[3,1] 0.25 3.25 1.25"),
            (
                format!("{points}; {centers}; int64[] 9"),
                "int64[3,4] 0 1 2 3 1 0 2 3 1 2 0 3; \
                 float[3,4] 0.25 21.25 78.25 171.25 3.25 6.25 36.25 105.25 1.25 10.25 28.25 55.25",
            ),
            (format!("{points}; {centers}; int64[] 0"), "int64[3,0]; float[3,0]"),
            ("float[1,1] 0; float[4,1] 1 -1 1 0; int64[] 3".into(), "int64[1,3] 3 0 1; float[1,3] 0 1 1"),
            (
                "float[1,2] 0 0; float[4,2] 2 2 NaN 0 1 1 0 0; int64[] 2".into(),
                "int64[1,2] 1 3; float[1,2] NaN 0",
            ),
            ("float[2,0]; float[3,0]; int64[] 2".into(), "int64[2,2] 0 1 0 1; float[2,2] 0 0 0 0"),
            (format!("{points}; float[0,2]; int64[] 2"), "int64[3,0]; float[3,0]"),
            (format!("float[0,2]; {centers}; int64[] 2"), "INVALID_ARGUMENT: Expected points.rows() > 0."),
            (
                format!("float[2] 1 2; {centers}; int64[] 2"),
                "INVALID_ARGUMENT: Input points should be a matrix.",
            ),
            (
                format!("{points}; float[2] 1 2; int64[] 2"),
                "INVALID_ARGUMENT: Input centers should be a matrix.",
            ),
            (format!("{points}; {centers}; int64[1] 2"), "INVALID_ARGUMENT: Input k should be a scalar."),
            (format!("{points}; {centers}; int64[] -1"), "INVALID_ARGUMENT: Input k should not be negative."),
            (
                format!("{points}; float[1,3] 1 2 3; int64[] 2"),
                "INVALID_ARGUMENT: Expected point_dimensions == center_dimensions: 2 vs 3.",
            ),
        ];
        let rows = rows.map(|(inputs, want): (String, _)| (op, "", &*inputs.leak(), want));
        savedmodel_op::testing::check_rows(crate::OPS, &rows);
    }
}
