//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape};

use crate::dense::jacobi_sweeps::{self, Patience};
use crate::dense::{Matrix, Real, one_sided_jacobi};
use crate::matrices::{Batch, fill, square_shape};

/// Eigenvalues and eigenvectors of symmetric matrices, and singular values and vectors of any, in single and double precision, as TensorFlow's compiler
/// computes them: with as many sweeps of rotations as `max_iter` says, or until the squares of what is off the diagonal are small.
///
/// `XlaSelfAdjointEig` looks at the lower half or the upper one, and at six digits of `epsilon`. The compiler rounds each step of what has 16 bits, which
/// is not here; of complex matrices it has vectors, but no values.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/XlaSelfAdjointEig>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/XlaSvd>
pub const OPS: &[Op] = &[
    Op {
        name: "XlaSelfAdjointEig",
        inputs: &["a: T"],
        outputs: &["w: T", "v: T"],
        attrs: &["lower: bool", "max_iter: int", "epsilon: float", NUMBERS],
        effect: Effect::Pure,
        shape: eigen_shape,
        kernels: Kernels::one(build_eigen),
    },
    Op {
        name: "XlaSvd",
        inputs: &["a: T"],
        outputs: &["s: T", "u: T", "v: T"],
        attrs: &["max_iter: int", "epsilon: float", "precision_config: string", NUMBERS],
        effect: Effect::Pure,
        shape: singular_shape,
        kernels: Kernels::one(build_singular),
    },
];

const NUMBERS: &str = "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, quint16, uint16, complex128, \
                       half, uint32, uint64}";

fn eigen_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let v = square_shape(ctx)?.swap_remove(0);
    let w = v.dims().map(|dims| PartialShape::new(dims[..dims.len() - 1].iter().copied()));
    Ok(vec![w.unwrap_or_default(), v])
}

fn singular_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let Some(dims) = input.dims() else { return Ok(vec![PartialShape::unknown(); 3]) };
    let [outer @ .., rows, columns] = dims else {
        return Err(Error::invalid_argument(format!(
            "Input tensor 0 must have rank >= 2, got {}",
            dims.len()
        )));
    };
    let with = |inner: &[Option<usize>]| PartialShape::new(outer.iter().chain(inner).copied());
    let fewer = rows.zip(*columns).map(|(rows, columns)| rows.min(columns));
    Ok(vec![with(&[fewer]), with(&[*rows, *rows]), with(&[*columns, *columns])])
}

/// An error for all dtypes but two.
fn check_dtype(node: &Construction<'_>, unimplemented: &[DType]) -> Result<()> {
    match node.inputs[0] {
        DType::Float | DType::Double => Ok(()),
        dtype if unimplemented.contains(&dtype) => Err(node.unimplemented("T")),
        _ => Err(node.no_kernel("T")),
    }
}

fn build_eigen(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_dtype(node, &[DType::Half, DType::Bfloat16, DType::Complex64, DType::Complex128])?;
    let (lower, sweeps): (bool, i64) = (node.attr("lower")?, node.int32("max_iter")?);
    let epsilon: f32 = node.attr("epsilon")?;
    // The compiler hands it on as text.
    let tolerance: f32 = format!("{epsilon:.6}").parse().unwrap_or(epsilon);
    match node.inputs[0] {
        DType::Float => eigen(lower, Patience { sweeps, tolerance }),
        _ => eigen(lower, Patience { sweeps, tolerance: f64::from(tolerance) }),
    }
}

fn eigen<R: Real>(lower: bool, patience: Patience<R>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let batch = Batch::square(ctx.input(0).shape())?;
        let n = batch.rows;
        let mut w = ctx.allocate(R::DTYPE, batch.with(&[n]))?;
        let mut v = ctx.allocate(R::DTYPE, ctx.input(0).shape())?;
        if n > 0 {
            let data = ctx.input(0).as_slice::<R>()?;
            let symmetric = |i: usize| {
                let a = batch.matrix(data, i);
                Matrix::from_fn(n, n, |i, j| if (i >= j) == lower || i == j { a[(i, j)] } else { a[(j, i)] })
            };
            let matrices: Vec<_> = (0..batch.count()).map(symmetric).collect();
            let results = jacobi_sweeps::decompose(&matrices, patience);
            fill(&mut w, results.iter().map(|result| &result.0[..]))?;
            fill(&mut v, results.iter().map(|result| result.1.data()))?;
        }
        ctx.set(0, w);
        ctx.set(1, v);
        Ok(())
    }))
}

fn build_singular(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_dtype(node, &[DType::Half, DType::Bfloat16])?;
    let (sweeps, tolerance): (i64, f32) = (node.int32("max_iter")?, node.attr("epsilon")?);
    let config: Bytes = node.attr("precision_config")?;
    if !is_message(&config) {
        return Err(Error::invalid_argument("Error parsing precision config."));
    }
    match node.inputs[0] {
        DType::Float => singular(Patience { sweeps, tolerance }),
        _ => singular(Patience { sweeps, tolerance: f64::from(tolerance) }),
    }
}

/// Whether bytes are fields of a message; products are as precise as can be, whatever it says.
fn is_message(mut bytes: &[u8]) -> bool {
    let varint = |bytes: &mut &[u8]| {
        let len = bytes.iter().take(10).position(|byte| byte & 128 == 0)? + 1;
        let (head, rest) = bytes.split_at(len);
        *bytes = rest;
        Some(head.iter().rev().fold(0_u64, |value, byte| value << 7 | u64::from(byte & 127)))
    };
    while !bytes.is_empty() {
        let Some(tag) = varint(&mut bytes).filter(|tag| tag >> 3 != 0) else { return false };
        let len = match tag & 7 {
            0 => varint(&mut bytes).map(|_| 0),
            1 => Some(8),
            2 => varint(&mut bytes),
            5 => Some(4),
            _ => None,
        };
        let len = len.and_then(|len| usize::try_from(len).ok());
        let Some(rest) = len.and_then(|len| bytes.get(len..)) else { return false };
        bytes = rest;
    }
    true
}

fn singular<R: Real>(patience: Patience<R>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape: Shape = ctx.input(0).shape().clone();
        let batch = Batch::of(0, &shape)?;
        let (m, n) = (batch.rows, batch.columns);
        if m == 0 || n == 0 {
            return Err(Error::invalid_argument(format!(
                "matrices of shape {shape} have no singular values"
            )));
        }
        let mut outputs = Vec::new();
        for inner in [&[m.min(n)][..], &[m, m], &[n, n]] {
            outputs.push(ctx.allocate(R::DTYPE, batch.with(inner))?);
        }
        let data = ctx.input(0).as_slice::<R>()?;
        let tall = |i: usize| {
            let a = batch.matrix(data, i);
            if m < n { a.transpose() } else { a }
        };
        let results = one_sided_jacobi::decompose((0..batch.count()).map(tall).collect(), patience);
        let (u, v) = if m < n { (2, 1) } else { (1, 2) };
        let values: Vec<Vec<R>> =
            results.iter().map(|result| (0..m.min(n)).map(|i| result.d[(i, i)]).collect()).collect();
        fill(&mut outputs[0], values.iter().map(|values| &values[..]))?;
        fill(&mut outputs[u], results.iter().map(|result| result.u.data()))?;
        fill(&mut outputs[v], results.iter().map(|result| result.v.data()))?;
        outputs.into_iter().enumerate().for_each(|(i, output)| ctx.set(i, output));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (eigen, svd) = ("XlaSelfAdjointEig", "XlaSvd");
        let (ten, one) = ("lower=true max_iter=10 epsilon=1e-6", "lower=false max_iter=1 epsilon=1e-6");
        let plain = "max_iter=10 epsilon=1e-6 precision_config=";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    eigen,
                    ten,
                    "float[3,3] 4 9 9 1 5 9 0 2 6",
                    "float[3] 2.8548973 4.476023 7.669079; float[3,3] -0.5932333 0.7864357 0.17202649 0.67931306 0.3743619 0.631179 -0.43198147 \
                     -0.49129614 0.75631994",
                ),
                (
                    eigen,
                    one,
                    "float[3,3] 4 1 0 9 5 2 9 9 6",
                    "float[3] 2.8825018 4.555945 7.561553; float[3,3] -0.57638204 0.81718034 0 0.644106 0.45430744 0.6154122 -0.50290275 \
                     -0.35471252 0.7882054",
                ),
                (eigen, ten, "double[2,1,1] 3 4", "double[2,1] 3 4; double[2,1,1] 1 1"),
                (eigen, ten, "float[0,2,2]", "float[0,2]; float[0,2,2]"),
                (eigen, ten, "float[1,2] 1 2", "INVALID_ARGUMENT: "),
                (eigen, ten, "float[1] 1", "INVALID_ARGUMENT: "),
                (eigen, ten, "int32[1,1] 1", "INVALID_ARGUMENT: "),
                (
                    eigen,
                    ten,
                    "half[1,1] 1",
                    "UNIMPLEMENTED: operator XlaSelfAdjointEig has no kernel for attr T = half",
                ),
                (
                    svd,
                    plain,
                    "float[2,3] 1 2 3 4 5 6",
                    "float[2] 9.508031 0.7728695; float[2,2] -0.38631767 -0.9223658 -0.9223658 0.38631767; float[3,3] -0.4286672 0.80596393 \
                     -0.4082482 -0.5663069 0.11238237 0.8164966 -0.70394665 -0.58119905 -0.40824836",
                ),
                (
                    svd,
                    "max_iter=-1 epsilon=1e-6 precision_config=",
                    "float[3,3] 4 1 0 1 5 2 0 2 6",
                    "float[3] 5.8981566 4.1231055 4.0298185; float[3,3] -0.20228657 0.9701425 0.1338046 0.8091462 0.24253562 -0.5352184 0.5516905 \
                     0 0.83404887; float[3,3] 0 1 0 0.97618705 0 -0.21693043 0.21693043 0 0.97618705",
                ),
                (svd, plain, "float[1,1] -3", "float[1] 3; float[1,1] 1; float[1,1] -1"),
                (
                    svd,
                    "max_iter=1 epsilon=0.1 precision_config=zzz",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: Error parsing precision config.",
                ),
                (svd, plain, "float[0,2]", "INVALID_ARGUMENT: "),
                (
                    svd,
                    plain,
                    "bfloat16[1,1] 1",
                    "UNIMPLEMENTED: operator XlaSvd has no kernel for attr T = bfloat16",
                ),
                (svd, plain, "complex64[1,1] 1+0i", "INVALID_ARGUMENT: "),
            ],
        );
    }
}
