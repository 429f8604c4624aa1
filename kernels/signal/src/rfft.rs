//! `RFFT`, `IRFFT` and the same in two and three dimensions.

use rustfft::num_complex::Complex;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Shape, Tensor};

use crate::fft::{axes, check_rank, reciprocal};
use crate::transform::{ComplexTransform, Real, RealTransform};

/// The Fourier transform of real numbers over the innermost one, two or three axes, or back.
///
/// As the transform is symmetric, only the first half of its last axis is given or taken. `fft_length` tells the sizes of
/// the real side; what the input has more is left out. Where symmetry allows real numbers only, the way back ignores
/// imaginary parts.
///
/// TensorFlow aborts when the last of several lengths, or the only one, is zero; here the result is empty.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RFFT>, <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IRFFT3D>
pub const OPS: &[Op] = &[
    Op { name: "RFFT", ..forward(|ctx| Ok(shape(ctx, 1, half))) },
    Op { name: "RFFT2D", ..forward(|ctx| Ok(shape(ctx, 2, half))) },
    Op { name: "RFFT3D", ..forward(|ctx| Ok(shape(ctx, 3, half))) },
    Op { name: "IRFFT", ..backward(|ctx| Ok(shape(ctx, 1, whole))) },
    Op { name: "IRFFT2D", ..backward(|ctx| Ok(shape(ctx, 2, whole))) },
    Op { name: "IRFFT3D", ..backward(|ctx| Ok(shape(ctx, 3, whole))) },
];

const ATTRS: &[&str] =
    &["Treal: {float, double} = DT_FLOAT", "Tcomplex: {complex64, complex128} = DT_COMPLEX64"];

const fn forward(shape: savedmodel_op::shape::ShapeFn) -> Op {
    Op {
        name: "",
        inputs: &["input: Treal", "fft_length: int32"],
        outputs: &["output: Tcomplex"],
        attrs: ATTRS,
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("Treal"; build_forward: f32 f64),
    }
}

const fn backward(shape: savedmodel_op::shape::ShapeFn) -> Op {
    Op {
        inputs: &["input: Tcomplex", "fft_length: int32"],
        outputs: &["output: Treal"],
        kernels: by_dtype!("Treal"; build_backward: f32 f64),
        ..forward(shape)
    }
}

/// How many numbers of a transform of `len` real ones are kept.
fn half(len: usize) -> usize {
    if len == 0 { 0 } else { len / 2 + 1 }
}

fn whole(len: usize) -> usize {
    len
}

fn shape(ctx: &ShapeContext<'_>, axes: usize, last: fn(usize) -> usize) -> Vec<PartialShape> {
    let input = ctx.input(0);
    let Some(outer) = input.dims().and_then(|dims| dims.get(..dims.len().checked_sub(axes)?)) else {
        return vec![PartialShape::unknown()];
    };
    let lengths = ctx.integers(1).unwrap_or_default();
    let inner = (0..axes).map(|i| {
        let len = usize::try_from(*lengths.get(i)?).ok()?;
        Some(if i + 1 == axes { last(len) } else { len })
    });
    vec![PartialShape::new(outer.iter().copied().chain(inner))]
}

/// Refuses dtypes of different precision.
fn check_dtypes<T: Real>(node: &Construction<'_>, direction: &str) -> Result<()> {
    if node.attr::<DType>("Tcomplex")? == T::Pair::DTYPE {
        return Ok(());
    }
    let [from, to] =
        [node.inputs, node.outputs].map(|dtypes| dtypes.first().map_or(0, |dtype| dtype.number()));
    Err(Error::invalid_argument(format!("Wrong types for {direction} real FFT: in={from} out={to}")))
}

/// The lengths of the real side, if the input has as many numbers as are needed; `last` tells how many by the last length.
fn lengths(input: &Shape, lengths: &Tensor, axes: usize, last: fn(usize) -> usize) -> Result<Vec<usize>> {
    check_rank(input, axes)?;
    if lengths.shape()[..] != [axes] {
        return Err(Error::invalid_argument(format!("fft_length must have shape [{axes}]")));
    }
    let outer = input.rank() - axes;
    let mut checked = Vec::with_capacity(axes);
    for (i, &length) in lengths.as_slice::<i32>()?.iter().enumerate() {
        let Ok(length) = usize::try_from(length) else {
            return Err(Error::invalid_argument(format!("fft_length[{i}] must >= 0, but got: {length}")));
        };
        let needed = if i + 1 == axes { last(length) } else { length };
        if input[outer + i] > 0 && input[outer + i] < needed {
            return Err(Error::invalid_argument(format!(
                "Input dimension {} must have length of at least {needed} but got: {}",
                outer + i,
                input[outer + i]
            )));
        }
        checked.push(length);
    }
    Ok(checked)
}

/// Where line `line` of those that are kept begins in the input, of whose lines `kept` by axis are.
fn line_start(mut line: usize, kept: &[usize], input: &[usize]) -> usize {
    let mut step = input.last().copied().unwrap_or(1);
    let mut start = 0;
    for (&kept, &size) in kept.iter().zip(input).rev() {
        start += line % kept * step;
        line /= kept;
        step *= size;
    }
    start + line * step
}

/// Transforms all but the last of the innermost axes, of sizes `outer`; lines are `inner` long.
fn along_outer<T: Real>(
    transform: &ComplexTransform<T>,
    data: &mut [Complex<T>],
    outer: &[usize],
    mut inner: usize,
) {
    for &len in outer.iter().rev() {
        transform.along(data, len, inner);
        inner *= len;
    }
}

fn build_forward<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_dtypes::<T>(node, "forward")?;
    let axes = axes(node.op);
    let (real, complex) = (RealTransform::<T>::new(), ComplexTransform::<T>::new(false));
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let lengths = lengths(input.shape(), ctx.input(1), axes, whole)?;
        let (outer, from) = input.shape().split_at(input.rank() - axes);
        let (&len, kept) = lengths.split_last().ok_or_else(|| Error::internal("no axes"))?;
        let sizes: Shape = outer.iter().chain(kept).copied().chain([half(len)]).collect();
        let mut output = ctx.allocate(T::Pair::DTYPE, sizes)?;
        let data = T::numbers_mut(output.as_mut_slice::<T::Pair>()?);
        if input.elements() == 0 {
            data.fill(Complex::new(T::zero(), T::zero()));
        } else if !data.is_empty() {
            real.forward(len, input.as_slice::<T>()?, data, |line| line_start(line, kept, from))?;
            along_outer(&complex, data, kept, half(len));
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn build_backward<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_dtypes::<T>(node, "backward")?;
    let axes = axes(node.op);
    let (real, complex) = (RealTransform::<T>::new(), ComplexTransform::<T>::new(true));
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let lengths = lengths(input.shape(), ctx.input(1), axes, half)?;
        let (outer, from) = input.shape().split_at(input.rank() - axes);
        let (&len, kept) = lengths.split_last().ok_or_else(|| Error::internal("no axes"))?;
        let sizes: Shape = outer.iter().chain(&lengths).copied().collect();
        let mut output = ctx.allocate(T::DTYPE, sizes)?;
        let data = output.as_mut_slice::<T>()?;
        if input.elements() == 0 {
            data.fill(T::zero());
        } else if !data.is_empty() {
            let numbers = T::numbers(input.as_slice::<T::Pair>()?);
            let lines = data.len() / len;
            let mut spectrum = Vec::with_capacity(lines * half(len));
            for line in 0..lines {
                spectrum.extend_from_slice(&numbers[line_start(line, kept, from)..][..half(len)]);
            }
            along_outer(&complex, &mut spectrum, kept, half(len));
            real.backward(len, &spectrum, data, reciprocal(lengths.iter().product()))?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn values() {
        check_rows(
            OPS,
            &[
                (
                    "RFFT",
                    "",
                    "float[2,4] 1.0 3.0 1.0 -1.0 4.0 0.0 -1.0 -3.0; int32[1] 4",
                    "complex64[2,3] 4.0+0.0i 0.0-4.0i 0.0+0.0i 0.0+0.0i 5.0-3.0i 6.0+0.0i",
                ),
                (
                    "RFFT",
                    "",
                    "float[5] -3.0 2.0 3.0 -2.0 1.0; int32[1] 3",
                    "complex64[2] 2.0+0.0i -5.5+0.8660253882408142i",
                ),
                (
                    "RFFT",
                    "Tcomplex=complex128",
                    "double[5] 3.0 -3.0 -2.0 0.0 1.0; int32[1] 5",
                    "complex128[3] -1.0+0.0i 4.0+4.97979656976556i 4.0+0.4490279765795855i",
                ),
                ("RFFT", "", "float[2] -1.0 -1.0; int32[1] 1", "complex64[1] -1.0+0.0i"),
                (
                    "RFFT2D",
                    "",
                    "float[4,4] -3.0 1.0 4.0 -3.0 3.0 -3.0 -4.0 2.0 -3.0 2.0 -2.0 1.0 4.0 4.0 0.0 -3.0; int32[2] 3 2",
                    "complex64[3,2] -3.0+0.0i -3.0+0.0i -1.5-0.8660253882408142i -4.5-9.52627944946289i -1.5+0.8660253882408142i -4.5+9.52627944946289i",
                ),
                (
                    "RFFT2D",
                    "",
                    "float[2,3,4] -2.0 3.0 1.0 -3.0 3.0 4.0 4.0 1.0 4.0 1.0 0.0 4.0 1.0 3.0 -1.0 3.0 4.0 -4.0 0.0 -1.0 -4.0 -4.0 -2.0 -3.0; int32[2] 2 3",
                    "complex64[2,2,2] 13.0+0.0i -5.0-1.7320507764816284i -9.0+0.0i -3.0-1.7320507764816284i 3.0+0.0i 6.0+0.0i 3.0+0.0i -6.0-6.928203105926514i",
                ),
                (
                    "RFFT3D",
                    "",
                    "float[2,3,4] 2.0 -3.0 1.0 3.0 0.0 -3.0 -4.0 -2.0 -1.0 0.0 -2.0 3.0 1.0 4.0 4.0 2.0 -4.0 -3.0 2.0 0.0 4.0 2.0 3.0 -4.0; int32[3] 2 2 4",
                    "complex64[2,2,3] 0.0+0.0i -4.0+8.0i 4.0+0.0i 28.0+0.0i 0.0+0.0i 0.0+0.0i -12.0+0.0i 14.0+6.0i 4.0+0.0i -4.0+0.0i -6.0+10.0i 4.0+0.0i",
                ),
                (
                    "IRFFT",
                    "",
                    "complex64[3] -2.0-1.0i 2.0-3.0i 1.0+1.0i; int32[1] 4",
                    "float[4] 0.75 0.75 -1.25 -2.25",
                ),
                (
                    "IRFFT",
                    "",
                    "complex64[3] -4.0+2.0i 2.0-4.0i 3.0+0.0i; int32[1] 5",
                    "float[5] 1.2000000476837158 -0.0019164085388183594 -0.13593673706054688 -2.0168495178222656 -3.045297384262085",
                ),
                (
                    "IRFFT",
                    "",
                    "complex64[4] -2.0-4.0i 0.0+0.0i 2.0+1.0i -3.0-3.0i; int32[1] 3",
                    "float[3] -0.6666666865348816 -0.6666666865348816 -0.6666666865348816",
                ),
                (
                    "IRFFT",
                    "Treal=double",
                    "complex128[2,2] 4.0+2.0i 0.0+2.0i 4.0+0.0i 0.0-1.0i; int32[1] 2",
                    "double[2,2] 2.0 2.0 2.0 2.0",
                ),
                ("IRFFT", "", "complex64[2] 2.0+1.0i -4.0+0.0i; int32[1] 1", "float[1] 2.0"),
                (
                    "IRFFT2D",
                    "",
                    "complex64[4,4] -3.0+0.0i -3.0+0.0i -4.0-4.0i 2.0-4.0i 2.0-2.0i -1.0+0.0i 4.0-4.0i -1.0+4.0i -2.0+3.0i 4.0+1.0i -4.0+2.0i -1.0+2.0i -4.0-4.0i -1.0+4.0i 2.0-4.0i -1.0+3.0i; int32[2] 3 4",
                    "float[3,4] -0.5833333730697632 -0.0833333358168602 -0.5833333730697632 0.25 -0.3951391875743866 0.8161856532096863 0.8161856532096863 -0.7938566207885742 -2.2715277671813965 -0.48285239934921265 -0.48285239934921265 0.7938565611839294",
                ),
                (
                    "IRFFT2D",
                    "",
                    "complex64[2,2,2] 3.0+0.0i 2.0+0.0i -3.0+3.0i 3.0-1.0i 4.0-1.0i 3.0-2.0i 2.0+0.0i -2.0+1.0i; int32[2] 2 3",
                    "float[2,2,3] 1.6666667461395264 -0.5446581840515137 -1.1220085620880127 0.6666666865348816 0.8779915571212769 1.4553418159484863 1.3333333730697632 1.1220085620880127 0.5446581840515137 2.0 0.3660253882408142 -1.3660253286361694",
                ),
                (
                    "IRFFT3D",
                    "",
                    "complex64[3,3,3] 0.0-3.0i -2.0+3.0i 0.0+4.0i 1.0-1.0i -3.0-2.0i 1.0+3.0i 2.0-3.0i -4.0-3.0i 1.0-2.0i -1.0-1.0i 4.0-1.0i -1.0-2.0i -2.0-2.0i 2.0+1.0i 3.0+0.0i -4.0+1.0i -4.0+4.0i -3.0+4.0i -1.0-3.0i 0.0+3.0i 1.0-1.0i -1.0+3.0i 3.0+2.0i 1.0-4.0i -3.0+3.0i -2.0+4.0i -3.0+4.0i; int32[3] 2 3 3",
                    "float[2,3,3] -1.0 -0.025783419609069824 0.3591167628765106 0.9905626773834229 -1.1572291851043701 0.39433753490448 0.5094373822212219 0.10566239804029465 -0.6761040091514587 -0.6666666865348816 1.7440168857574463 0.5893164277076721 -1.2087961435317993 -0.49747124314308167 0.40124621987342834 0.04212943837046623 -1.2345795631408691 1.3308045864105225",
                ),
                (
                    "RFFT2D",
                    "",
                    "float[4,4] 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; int32[2] 0 2",
                    "complex64[0,2]",
                ),
                ("RFFT", "", "float[2] 1 2; int32[1] 0", "complex64[0]"),
                ("IRFFT", "", "complex64[3,0]; int32[1] 0", "float[3,0]"),
                ("IRFFT", "", "complex64[2] 1 2; int32[1] 0", "float[0]"),
                ("RFFT", "", "float[0]; int32[1] 4", "complex64[3] 0 0 0"),
                ("IRFFT", "", "complex64[0]; int32[1] 3", "float[3] 0 0 0"),
            ],
        );
    }

    #[test]
    fn errors() {
        check_rows(
            OPS,
            &[
                (
                    "RFFT",
                    "",
                    "float[] 1; int32[1] 1",
                    "INVALID_ARGUMENT: Input must have rank of at least 1 but got: []",
                ),
                (
                    "RFFT",
                    "",
                    "float[2] 1 2; int32[2] 1 1",
                    "INVALID_ARGUMENT: fft_length must have shape [1]",
                ),
                ("RFFT", "", "float[2] 1 2; int32[] 1", "INVALID_ARGUMENT: fft_length must have shape [1]"),
                (
                    "RFFT",
                    "",
                    "float[2] 1 2; int32[1] -4",
                    "INVALID_ARGUMENT: fft_length[0] must >= 0, but got: -4",
                ),
                (
                    "RFFT",
                    "",
                    "float[2] 1 2; int32[1] 5",
                    "INVALID_ARGUMENT: Input dimension 0 must have length of at least 5 but got: 2",
                ),
                (
                    "IRFFT",
                    "",
                    "complex64[1,3] 1 2 3; int32[1] 8",
                    "INVALID_ARGUMENT: Input dimension 1 must have length of at least 5 but got: 3",
                ),
                (
                    "IRFFT2D",
                    "",
                    "complex64[1,1,3] 1 2 3; int32[2] 5 -8",
                    "INVALID_ARGUMENT: Input dimension 1 must have length of at least 5 but got: 1",
                ),
                (
                    "RFFT",
                    "Tcomplex=complex128",
                    "float[1] 1; int32[1] 1",
                    "INVALID_ARGUMENT: Wrong types for forward real FFT: in=1 out=18",
                ),
                (
                    "IRFFT",
                    "Treal=double",
                    "complex64[1] 1; int32[1] 1",
                    "INVALID_ARGUMENT: Wrong types for backward real FFT: in=8 out=2",
                ),
            ],
        );
    }
}
