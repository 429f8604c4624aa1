//! `FFT`, `IFFT` and the same in two and three dimensions.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Shape};

use crate::transform::{ComplexTransform, Real};

/// The discrete Fourier transform of complex numbers over the innermost one, two or three axes, or back.
///
/// The way back divides by the number of elements.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FFT>, <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IFFT3D>
pub const OPS: &[Op] = &[
    Op { name: "FFT", ..FORM },
    Op { name: "FFT2D", ..FORM },
    Op { name: "FFT3D", ..FORM },
    Op { name: "IFFT", ..FORM },
    Op { name: "IFFT2D", ..FORM },
    Op { name: "IFFT3D", ..FORM },
];

const FORM: Op = Op {
    name: "",
    inputs: &["input: Tcomplex"],
    outputs: &["output: Tcomplex"],
    attrs: &["Tcomplex: {complex64, complex128} = DT_COMPLEX64"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::ByDType(
        "Tcomplex",
        &[(DType::Complex64, build::<f32>), (DType::Complex128, build::<f64>)],
    ),
};

/// How many axes an operator transforms, which its name tells.
pub(crate) fn axes(op: &str) -> usize {
    match op.as_bytes() {
        [.., b'2', b'D'] => 2,
        [.., b'3', b'D'] => 3,
        _ => 1,
    }
}

/// Refuses tensors with fewer axes than are transformed.
pub(crate) fn check_rank(shape: &Shape, axes: usize) -> Result<()> {
    if shape.rank() < axes {
        return Err(Error::invalid_argument(format!(
            "Input must have rank of at least {axes} but got: {shape}"
        )));
    }
    Ok(())
}

/// What the way back multiplies with.
pub(crate) fn reciprocal<T: Real>(len: usize) -> T {
    T::from_usize(len).map_or_else(T::nan, T::recip)
}

fn build<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axes = axes(node.op);
    let inverse = node.op.starts_with('I');
    let transform = ComplexTransform::<T>::new(inverse);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_rank(ctx.input(0).shape(), axes)?;
        let mut output = ctx.take(0);
        let shape = output.shape().clone();
        let sizes = &shape[shape.rank() - axes..];
        let data = T::numbers_mut(output.as_mut_slice::<T::Pair>()?);
        let mut inner = 1;
        for &len in sizes.iter().rev() {
            transform.along(data, len, inner);
            inner *= len;
        }
        if inverse && inner > 1 {
            let scale = reciprocal::<T>(inner);
            data.iter_mut().for_each(|x| *x = x.scale(scale));
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
    fn table() {
        check_rows(
            OPS,
            &[
                (
                    "FFT",
                    "",
                    "complex64[4] 3.0-3.0i -4.0+3.0i -3.0+3.0i -2.0+1.0i",
                    "complex64[4] -6.0+4.0i 8.0-4.0i 6.0-4.0i 4.0-8.0i",
                ),
                (
                    "FFT",
                    "Tcomplex=complex128",
                    "complex128[2,3] -4.0-2.0i -4.0-3.0i -2.0+2.0i -1.0+2.0i 1.0-4.0i 0.0-3.0i",
                    "complex128[2,3] -10.0-3.0i -5.330127018922193+0.2320508075688772i 3.3301270189221928-3.232050807568877i 0.0-5.0i -2.3660254037844384+4.633974596215562i -0.6339745962155614+6.366025403784438i",
                ),
                (
                    "FFT2D",
                    "",
                    "complex64[2,2,3] 0.0+3.0i -1.0-2.0i 3.0-2.0i 0.0+1.0i -1.0+1.0i -1.0+2.0i 1.0+3.0i 1.0-2.0i -3.0+4.0i 2.0-4.0i 2.0-4.0i 4.0+4.0i",
                    "complex64[2,2,3] 0.0+3.0i -0.8660253882408142+7.964101791381836i 0.866025447845459+1.0358984470367432i 4.0-5.0i -1.133974552154541+8.964101791381836i -2.866025447845459+2.035898447036743i 7.0+1.0i -11.12435531616211-3.732050657272339i 13.12435531616211-0.26794910430908203i -9.0+9.0i 4.732050895690918+0.8038475513458252i 1.267949104309082+11.196152687072754i",
                ),
                (
                    "FFT3D",
                    "",
                    "complex64[2,2,2] 4.0-2.0i -2.0+0.0i -3.0-3.0i -2.0+2.0i -4.0+0.0i 4.0-4.0i 1.0-2.0i 1.0+2.0i",
                    "complex64[2,2,2] -1.0-7.0i -3.0-7.0i 5.0-5.0i -1.0+11.0i -5.0+1.0i 13.0-7.0i 9.0+3.0i 15.0-5.0i",
                ),
                (
                    "IFFT",
                    "",
                    "complex64[5] 0.0+1.0i -1.0+0.0i -2.0+4.0i -4.0+4.0i 1.0-3.0i",
                    "complex64[5] -1.2000000476837158+1.2000000476837158i 0.4001865088939667-1.4251459836959839i -0.7234916090965271+0.5643007159233093i -0.018149256706237793+1.7953741550445557i 1.5414543151855469-1.1345289945602417i",
                ),
                (
                    "IFFT2D",
                    "Tcomplex=complex128",
                    "complex128[2,3] 1.0-2.0i 1.0+2.0i -2.0+1.0i -2.0-3.0i 0.0-1.0i 2.0+3.0i",
                    "complex128[2,3] 0.0+0.0i 0.1830127018922193-1.1056624327025935i -0.6830127018922194-1.3943375672974065i 0.0+0.3333333333333333i 0.028312163512967836+0.8050211698203654i 1.471687836487032-0.6383545031536989i",
                ),
                (
                    "IFFT3D",
                    "",
                    "complex64[1,2,3] 3.0+4.0i 1.0-1.0i -4.0+4.0i 2.0+2.0i -2.0-2.0i 3.0+3.0i",
                    "complex64[1,2,3] 0.5+1.6666667461395264i 2.443375587463379+0.6666667461395264i -0.4433755874633789+0.6666666269302368i -0.5+0.6666667461395264i 0.5+1.6100423336029053i 0.5-1.276708960533142i",
                ),
                ("FFT2D", "", "complex64[1,1] -1.0-4.0i", "complex64[1,1] -1.0-4.0i"),
                ("FFT", "", "complex64[2,0]", "complex64[2,0]"),
                ("FFT2D", "", "complex64[0,3]", "complex64[0,3]"),
                (
                    "FFT",
                    "",
                    "complex64[] 1+2i",
                    "INVALID_ARGUMENT: Input must have rank of at least 1 but got: []",
                ),
                (
                    "FFT2D",
                    "",
                    "complex64[1] 1",
                    "INVALID_ARGUMENT: Input must have rank of at least 2 but got: [1]",
                ),
                (
                    "IFFT3D",
                    "Tcomplex=complex128",
                    "complex128[1,1] 1",
                    "INVALID_ARGUMENT: Input must have rank of at least 3 but got: [1,1]",
                ),
            ],
        );
    }
}
