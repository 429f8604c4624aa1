//! Special functions of two tensors and more.
//!
//! See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Igamma` and the pages of the other names.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype, shape};
use savedmodel_tensor::{Element, Error, PartialShape, Result};

use super::{beta, incomplete_gamma, zeta};
use crate::elementwise::{tasks, zip_kernels};

/// A row: a name, its arguments, the allowed dtypes, the function in double precision, and in single if it is another one.
macro_rules! row {
    ($name:literal, $inputs:expr, $types:literal, $f:expr) => {
        row!($name, $inputs, $types, $f, |x, y| $f(x.into(), y.into()) as f32)
    };
    ($name:literal, $inputs:expr, $types:literal, $f:expr, $single:expr) => {
        Op {
            name: $name,
            inputs: $inputs,
            outputs: &["z: T"],
            attrs: &[$types],
            effect: Effect::Pure,
            shape: shape::broadcast,
            kernels: zip_kernels!("T", NS; each [f64] $f, each [f32] $single),
        }
    };
}

/// The operators of this file. They broadcast; in `Betainc`, scalars alone do.
pub const OPS: &[Op] = &[
    row!("Igamma", &["a: T", "x: T"], "T: {bfloat16, half, float, double}", incomplete_gamma::igamma),
    row!("Igammac", &["a: T", "x: T"], "T: {bfloat16, half, float, double}", incomplete_gamma::igammac),
    row!("IgammaGradA", &["a: T", "x: T"], "T: {float, double}", incomplete_gamma::igamma_grad_a),
    row!("Polygamma", &["a: T", "x: T"], "T: {float, double}", zeta::polygamma, zeta::polygamma_single),
    row!("Zeta", &["x: T", "q: T"], "T: {float, double}", zeta::zeta, zeta::zeta_single),
    Op {
        name: "Betainc",
        inputs: &["a: T", "b: T", "x: T"],
        outputs: &["z: T"],
        attrs: &["T: {float, double}"],
        effect: Effect::Pure,
        shape: betainc_shape,
        kernels: by_dtype!("T"; betainc: f32 f64),
    },
];

/// Nanoseconds per element of a typical series.
const NS: f64 = 200.0;

fn betainc<T: Element + num_traits::Float>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let shapes = [0, 1, 2].map(|i| ctx.input(i).shape());
        let full: Vec<usize> = (0..3).filter(|&i| shapes[i].rank() > 0).collect();
        for pair in full.windows(2) {
            // Each is compared with the first one that is no scalar.
            let (first, other) = (full[0], pair[1]);
            if shapes[first] != shapes[other] {
                return Err(Error::invalid_argument(format!(
                    "Shapes of {} and {} are inconsistent: {} vs. {}",
                    ["a", "b", "x"][first],
                    ["a", "b", "x"][other],
                    shapes[first],
                    shapes[other]
                )));
            }
        }
        let shape = full.first().map(|&i| shapes[i].clone()).unwrap_or_default();
        let mut out = ctx.allocate(T::DTYPE, shape)?;
        let values =
            [ctx.input(0).as_slice::<T>()?, ctx.input(1).as_slice::<T>()?, ctx.input(2).as_slice::<T>()?];
        tasks::for_chunks(out.as_mut_slice::<T>()?, 256, &|start, out| {
            for (i, out) in out.iter_mut().enumerate() {
                let [a, b, x] =
                    values.map(|v| v[if v.len() == 1 { 0 } else { start + i }].to_f64().unwrap_or(f64::NAN));
                *out = T::from(beta::betainc(a, b, x)).unwrap_or_else(T::nan);
            }
        });
        ctx.set(0, out);
        Ok(())
    }))
}

fn betainc_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let known = (0..3).map(|i| ctx.input(i));
    let merged =
        known.filter(|shape| shape.rank() != Some(0)).try_fold(None, |found: Option<PartialShape>, shape| {
            match found {
                None => Some(Some(shape)),
                Some(found) => found.merge(&shape).map(Some),
            }
        });
    Ok(vec![match merged {
        None => PartialShape::unknown(),
        Some(None) => PartialShape::of_rank(0),
        // What is unknown may still be a scalar.
        Some(Some(shape)) => shape,
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    fn vector(v: &[f32]) -> Tensor {
        Tensor::from_slice([v.len()], v).unwrap()
    }

    #[test]
    fn values() {
        let nan = f32::NAN;
        let (a, x) = ([1.0, 0.0, -1.0, 2.0, nan, 2.0], [1.0, 1.0, 1.0, -1.0, 1.0, 0.0]);
        type Row = (&'static str, [f32; 6], [f32; 6], [f32; 6]);
        let rows: [Row; 5] = [
            ("Igamma", a, x, [0.632_120_55, nan, nan, nan, nan, 0.0]),
            ("Igammac", a, x, [0.367_879_44, nan, nan, nan, nan, 1.0]),
            ("IgammaGradA", a, x, [-0.431_729_7, nan, nan, nan, nan, 0.0]),
            (
                "Zeta",
                [2.0, 1.0, 0.5, 3.0, 3.0, nan],
                [1.0, 1.0, 1.0, -1.5, 0.0, 1.0],
                [1.644_934, f32::INFINITY, nan, 0.118_102_03, nan, nan],
            ),
            (
                "Polygamma",
                [0.0, 1.0, 2.0, -1.0, 1.5, 1.0],
                [1.0, 1.0, 2.0, 1.0, 1.0, nan],
                [-0.577_215_7, 1.644_934, -0.404_113_8, nan, nan, nan],
            ),
        ];
        for (name, x, y, want) in rows {
            check(op(OPS, name), [vector(&x), vector(&y)], vector(&want));
        }
    }

    #[test]
    fn beta_function() {
        let beta = || op(OPS, "Betainc");
        check(
            beta(),
            [vector(&[2.0, 2.0]), vector(&[3.0, 3.0]), vector(&[0.5, 1.5])],
            vector(&[0.6875, f32::NAN]),
        );
        let mixed = [Tensor::scalar(2.0_f32), vector(&[1.0, 2.0]), Tensor::scalar(0.3_f32)];
        check(beta(), mixed, vector(&[0.09, 0.216]));
        let one = || vector(&[2.0]);
        error(beta(), [one(), vector(&[3.0, 3.0]), one()], "Shapes of a and b are inconsistent: [1] vs. [2]");
        error(
            beta(),
            [vector(&[3.0, 3.0]), vector(&[3.0, 3.0]), one()],
            "Shapes of a and x are inconsistent: [2] vs. [1]",
        );
    }
}
