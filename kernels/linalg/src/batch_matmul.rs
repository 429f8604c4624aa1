//! See [`OPS`].

use savedmodel_math::gemm::View;
use savedmodel_op::shape::broadcast_shapes;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, by_dtype};
use savedmodel_tensor::DType::{self, *};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result, Shape, Tensor, bf16, f16};

use crate::product::{Prepared, Product, multiply_all};

/// Multiplies the matrices in the last two dimensions of two tensors.
///
/// `adj_x` and `adj_y` take the conjugate transpose. `BatchMatMul` wants equal batch dimensions, the other versions
/// broadcast them; `BatchMatMulV3` also multiplies bytes into `int32`, and bytes with `bfloat16`. A constant `y` of one
/// matrix is packed when the kernel is made.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BatchMatMulV2>
pub const OPS: &[Op] = &[
    Op {
        name: "BatchMatMul",
        inputs: &["x: T", "y: T"],
        outputs: &["output: T"],
        attrs: &[
            "T: {bfloat16, half, float, double, int32, int64, complex64, complex128}",
            "adj_x: bool = false",
            "adj_y: bool = false",
            "grad_x: bool = false",
            "grad_y: bool = false",
        ],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, &Rule::EQUAL),
        kernels: by_dtype!("T"; equal: f32 f64 f16 bf16 i32 i64 Complex32 Complex64),
    },
    Op {
        name: "BatchMatMulV2",
        inputs: &["x: T", "y: T"],
        outputs: &["output: T"],
        attrs: &[
            "T: {bfloat16, half, float, double, int16, int32, int64, uint8, uint16, uint32, uint64, complex64, \
             complex128}",
            "adj_x: bool = false",
            "adj_y: bool = false",
            "grad_x: bool = false",
            "grad_y: bool = false",
        ],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, &Rule::BROADCAST),
        kernels: by_dtype!("T"; broadcast: f32 f64 f16 bf16 i16 i32 i64 Complex32 Complex64),
    },
    Op {
        name: "BatchMatMulV3",
        inputs: &["x: Ta", "y: Tb"],
        outputs: &["output: Tout"],
        attrs: &[
            "Ta: {bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128}",
            "Tb: {bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128}",
            "Tout: {bfloat16, half, float, double, int16, int32, int64, complex64, complex128}",
            "adj_x: bool = false",
            "adj_y: bool = false",
            "grad_x: bool = false",
            "grad_y: bool = false",
        ],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, &Rule::BROADCAST),
        kernels: Kernels::All(&[("Ta", V3), ("Tb", V3), ("Tout", V3)], build_v3),
    },
];

const V3: &[DType] = &[Float, Double, Bfloat16, Int8, Uint8, Int16, Int32, Int64, Complex64, Complex128];

/// What the versions differ in.
pub struct Rule {
    /// The attributes that transpose.
    transpose: [&'static str; 2],
    /// Whether transposing also conjugates.
    adjoint: bool,
    /// Whether the operands must be matrices.
    matrices: bool,
    /// Whether batch dimensions broadcast.
    broadcast: bool,
}

impl Rule {
    /// `MatMul`.
    pub const MATMUL: Rule =
        Rule { transpose: ["transpose_a", "transpose_b"], adjoint: false, matrices: true, broadcast: false };
    const EQUAL: Rule =
        Rule { transpose: ["adj_x", "adj_y"], adjoint: true, matrices: false, broadcast: false };
    /// `BatchMatMulV2`.
    pub const BROADCAST: Rule = Rule { broadcast: true, ..Rule::EQUAL };
}

/// The shape function of all versions.
///
/// # Errors
/// `INVALID_ARGUMENT` where the kernel is sure to fail.
pub fn shape(ctx: &ShapeContext<'_>, rule: &Rule) -> Result<Vec<PartialShape>> {
    let (x, y) = (ctx.input(0), ctx.input(1));
    if rule.matrices && (x.rank().is_some_and(|r| r != 2) || y.rank().is_some_and(|r| r != 2)) {
        return Err(Error::invalid_argument(format!("Shape must be rank 2 but is {x} and {y}")));
    }
    let (Some(a), Some(b)) = (x.dims(), y.dims()) else {
        return Ok(vec![if rule.matrices { PartialShape::of_rank(2) } else { PartialShape::unknown() }]);
    };
    if a.len() < 2 || b.len() < 2 {
        return Err(Error::invalid_argument(format!("Shape must be at least rank 2 but is {x} and {y}")));
    }
    let ((a_batch, a), (b_batch, b)) = (a.split_at(a.len() - 2), b.split_at(b.len() - 2));
    let flag = |i: usize| ctx.attr::<bool>(rule.transpose[i]).unwrap_or_default();
    let (m, k) = if flag(0) { (a[1], a[0]) } else { (a[0], a[1]) };
    let (l, n) = if flag(1) { (b[1], b[0]) } else { (b[0], b[1]) };
    if k.zip(l).is_some_and(|(k, l)| k != l) {
        return Err(incompatible(&x, &y));
    }
    let (a_batch, b_batch) = (PartialShape::new(a_batch.to_vec()), PartialShape::new(b_batch.to_vec()));
    let batch = if rule.broadcast {
        broadcast_shapes(&a_batch, &b_batch)?
    } else {
        a_batch.merge(&b_batch).ok_or_else(|| different_ranks(&x, &y))?
    };
    Ok(vec![PartialShape::new(batch.dims().unwrap_or_default().iter().copied().chain([m, n]))])
}

fn incompatible(a: &dyn std::fmt::Display, b: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!("Matrix size-incompatible: In[0]: {a}, In[1]: {b}"))
}

fn different_ranks(a: &dyn std::fmt::Display, b: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!("In[0] and In[1] has different ndims: {a} vs. {b}"))
}

fn equal<T: Product>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, &Rule::EQUAL)
}

fn broadcast<T: Product>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, &Rule::BROADCAST)
}

fn build_v3(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (a, b) = (node.attr::<DType>("Ta")?, node.attr::<DType>("Tb")?);
    let byte = |dtype| matches!(dtype, Int8 | Uint8);
    let build: fn(&Construction<'_>) -> Result<Box<dyn Kernel>> = match node.attr::<DType>("Tout")? {
        Int32 if byte(a) && byte(b) => broadcast::<i32>,
        Bfloat16 if (byte(a) || a == Bfloat16) && (byte(b) || b == Bfloat16) && !(byte(a) && byte(b)) => {
            broadcast::<bf16>
        }
        out if a != out || b != out => return Err(node.no_kernel("Tout")),
        Float => broadcast::<f32>,
        Double => broadcast::<f64>,
        Int16 => broadcast::<i16>,
        Int32 => broadcast::<i32>,
        Int64 => broadcast::<i64>,
        Complex64 => broadcast::<Complex32>,
        Complex128 => broadcast::<Complex64>,
        _ => return Err(node.no_kernel("Tout")),
    };
    build(node)
}

/// The kernel of all versions.
///
/// # Errors
/// When an attribute is missing.
pub fn build<T: Product>(node: &Construction<'_>, rule: &'static Rule) -> Result<Box<dyn Kernel>> {
    let transposed = [node.attr::<bool>(rule.transpose[0])?, node.attr::<bool>(rule.transpose[1])?];
    let prepared = match node.constant(1) {
        Some(b) => prepare::<T>(b, transposed[1], rule, node.rounds())?,
        None => None,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (a, b) = (ctx.input(0), ctx.input(1));
        let sizes = Sizes::of(a.shape(), b.shape(), transposed, rule)?;
        let mut out = ctx.allocate(T::DTYPE, sizes.out.clone())?;
        multiply::<T>(&sizes, [a, b], rule.adjoint, prepared.as_deref(), out.as_mut_slice()?)?;
        ctx.set(0, out);
        Ok(())
    }))
}

fn prepare<T: Product>(
    b: &Tensor,
    transposed: bool,
    rule: &Rule,
    rounds: bool,
) -> Result<Option<Box<dyn Prepared<T>>>> {
    let [batch @ .., rows, columns] = b.shape().dims() else { return Ok(None) };
    if batch.iter().any(|&d| d != 1) || b.elements() == 0 {
        return Ok(None);
    }
    let data = operand::<T>(b)?;
    let data = conjugated(&data, rule.adjoint && transposed);
    let [k, n] = if transposed { [*columns, *rows] } else { [*rows, *columns] };
    Ok(T::prepare([k, n], View::maybe_t(&data, [k, n], transposed), rounds))
}

/// The sizes of one call.
struct Sizes {
    m: usize,
    k: usize,
    n: usize,
    transposed: [bool; 2],
    out: Shape,
    /// For each product the positions of its operands, unless both step through their matrices in order.
    places: Option<Vec<[usize; 2]>>,
}

impl Sizes {
    fn of(a: &Shape, b: &Shape, transposed: [bool; 2], rule: &Rule) -> Result<Sizes> {
        check_ranks(a, b, rule)?;
        let ([a_batch @ .., a0, a1], [b_batch @ .., b0, b1]) = (a.dims(), b.dims()) else {
            return Err(different_ranks(a, b));
        };
        let (a_batch, b_batch) = (Shape::from(a_batch), Shape::from(b_batch));
        let mut out = Shape::broadcast(&a_batch, &b_batch).ok_or_else(|| {
            Error::invalid_argument(format!(
                "In[0] and In[1] must have compatible batch dimensions: {a} vs. {b}"
            ))
        })?;
        let (m, k) = if transposed[0] { (*a1, *a0) } else { (*a0, *a1) };
        let (l, n) = if transposed[1] { (*b1, *b0) } else { (*b0, *b1) };
        if k != l {
            return Err(incompatible(a, b));
        }
        let is_plain = a_batch == b_batch || out.elements() == 0;
        let places = (!is_plain).then(|| places(&out, &a_batch, &b_batch));
        out.push(m);
        out.push(n);
        Ok(Sizes { m, k, n, transposed, out, places })
    }
}

fn check_ranks(a: &Shape, b: &Shape, rule: &Rule) -> Result<()> {
    let (x, y) = (a.rank(), b.rank());
    if rule.broadcast {
        for (i, rank) in [x, y].into_iter().enumerate() {
            if rank < 2 {
                return Err(Error::invalid_argument(format!("In[{i}] ndims must be >= 2: {rank}")));
            }
        }
        return Ok(());
    }
    if x != y {
        return Err(different_ranks(a, b));
    }
    if x < 2 || rule.matrices && x != 2 {
        let wanted = if rule.matrices { "== 2" } else { ">= 2" };
        return Err(Error::invalid_argument(format!("In[0] and In[1] ndims must be {wanted}: {x}")));
    }
    match (0..x - 2).find(|&i| a[i] != b[i]) {
        Some(i) => Err(Error::invalid_argument(format!(
            "In[0].dim({i}) and In[1].dim({i}) must be the same: {a} vs {b}"
        ))),
        None => Ok(()),
    }
}

/// Which matrices of two broadcast batches meet, in row-major order of `out`.
fn places(out: &Shape, a: &Shape, b: &Shape) -> Vec<[usize; 2]> {
    let mut places = vec![[0, 0]];
    let mut steps = [a.elements(), b.elements()];
    for (axis, &size) in out.dims().iter().enumerate() {
        let step = [(0, a), (1, b)].map(|(i, shape)| {
            let dim = (axis + shape.rank()).checked_sub(out.rank()).map_or(1, |axis| shape[axis]);
            steps[i] /= dim;
            if dim == 1 { 0 } else { steps[i] }
        });
        places = places
            .iter()
            .flat_map(|[i, j]| (0..size).map(move |x| [i + x * step[0], j + x * step[1]]))
            .collect();
    }
    places
}

fn multiply<T: Product>(
    sizes: &Sizes,
    [a, b]: [&Tensor; 2],
    adjoint: bool,
    prepared: Option<&dyn Prepared<T>>,
    out: &mut [T],
) -> Result<()> {
    let &Sizes { m, k, n, transposed, .. } = sizes;
    if out.is_empty() {
        return Ok(());
    }
    if k == 0 {
        out.fill(T::default());
        return Ok(());
    }
    let a = operand::<T>(a)?;
    let a = conjugated(&a, adjoint && transposed[0]);
    let joined = !transposed[0] && b.elements() == k * n && a.len() * n == out.len() * k;
    if let Some(prepared) = prepared {
        let step = if joined { out.len() / n } else { m };
        for (a, c) in a.chunks_exact(step * k).zip(out.chunks_exact_mut(step * n)) {
            prepared.multiply([step, k, n], View::maybe_t(a, [step, k], transposed[0]), c);
        }
        return Ok(());
    }
    let b = operand::<T>(b)?;
    let b = conjugated(&b, adjoint && transposed[1]);
    if joined {
        let rows = out.len() / n;
        T::multiply([rows, k, n], View::new(&a, k), View::maybe_t(&b, [k, n], transposed[1]), out);
        return Ok(());
    }
    multiply_all([m, k, n], out, |index| {
        let [i, j] = sizes.places.as_ref().map_or([index; 2], |places| places[index]);
        let (a, b) = (&a[i * m * k..][..m * k], &b[j * k * n..][..k * n]);
        (View::maybe_t(a, [m, k], transposed[0]), View::maybe_t(b, [k, n], transposed[1]))
    });
    Ok(())
}

/// The elements of an operand; bytes are widened.
fn operand<T: Product>(tensor: &Tensor) -> Result<std::borrow::Cow<'_, [T]>> {
    if tensor.dtype() == T::DTYPE {
        return Ok(tensor.as_slice::<T>()?.into());
    }
    let bytes: Vec<i32> = tensor.to_i64s()?.into_iter().map(|v| v as i32).collect();
    let wide = if T::DTYPE == Int32 {
        Tensor::from_vec(tensor.shape(), bytes)?
    } else {
        Tensor::from_vec(tensor.shape(), bytes.iter().map(|&v| bf16::from_f32(v as f32)).collect())?
    };
    Ok(wide.as_slice::<T>()?.to_vec().into())
}

fn conjugated<'a, T: Product>(data: &'a [T], wanted: bool) -> std::borrow::Cow<'a, [T]> {
    if wanted && matches!(T::DTYPE, Complex64 | Complex128) {
        data.iter().map(|&x| x.conjugate()).collect::<Vec<T>>().into()
    } else {
        data.into()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("BatchMatMul", "", "float[2,1,2] 1 2 3 4; float[2,2,1] 1 2 3 4", "float[2,1,1] 5 25"),
                (
                    "BatchMatMul",
                    "adj_x=true adj_y=true",
                    "int32[1,2,1] 1 2; int32[1,1,2] 3 4",
                    "int32[1,1,1] 11",
                ),
                (
                    "BatchMatMul",
                    "adj_y=true",
                    "complex64[1,1] 0+1i; complex64[1,1] 0+1i",
                    "complex64[1,1] 1+0i",
                ),
                (
                    "BatchMatMul",
                    "",
                    "float[1,1,1] 1; float[2,1,1] 1 2",
                    "INVALID_ARGUMENT: In[0].dim(0) and In[1].dim(0) must be the same: [1,1,1] vs [2,1,1]",
                ),
                (
                    "BatchMatMulV2",
                    "",
                    "double[2,1,1,1] 2 3; double[3,1,1] 1 2 3",
                    "double[2,3,1,1] 2 4 6 3 6 9",
                ),
                (
                    "BatchMatMulV2",
                    "",
                    "half[2,2,1] 1 2 3 4; half[1,2] 1 10",
                    "half[2,2,2] 1 10 2 20 3 30 4 40",
                ),
                ("BatchMatMulV2", "adj_x=true", "int16[2,1,2] 1 2 3 4; int16[1,1] 2", "int16[2,2,1] 2 4 6 8"),
                ("BatchMatMulV2", "", "float[0,1,1]; float[1,1,2] 1 2", "float[0,1,2]"),
                ("BatchMatMulV2", "", "float[2,1,0]; float[1,0,1]", "float[2,1,1] 0 0"),
                (
                    "BatchMatMulV2",
                    "",
                    "float[2,1,1] 1 2; float[3,1,1] 1 2 3",
                    "INVALID_ARGUMENT: In[0] and In[1] must have compatible batch dimensions: [2,1,1] vs. [3,1,1]",
                ),
                (
                    "BatchMatMulV2",
                    "",
                    "float[1] 1; float[1,1] 1",
                    "INVALID_ARGUMENT: In[0] ndims must be >= 2: 1",
                ),
                ("BatchMatMulV3", "Tout=int32", "int8[1,2] -128 1; uint8[2,1] 255 1", "int32[1,1] -32639"),
                ("BatchMatMulV3", "Tout=bfloat16", "bfloat16[1,1] 0.5; int8[1,1] -3", "bfloat16[1,1] -1.5"),
                (
                    "BatchMatMulV3",
                    "Tout=float",
                    "int32[1,1] 1; int32[1,1] 1",
                    "INVALID_ARGUMENT: operator BatchMatMulV3 has no kernel for attr Tout",
                ),
            ],
        );
    }
}
