//! `ApplyGradientDescent` and `ResourceApplyGradientDescent`.

use half::{bf16, f16};
use num_complex::{Complex32, Complex64};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, by_dtype, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::arithmetic::Arithmetic;
use crate::update::update;

/// Each subtracts `alpha` times `delta` from a variable.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ApplyGradientDescent>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResourceApplyGradientDescent>
pub const OPS: &[Op] = &[
    Op {
        name: "ApplyGradientDescent",
        inputs: &["var: Ref(T)", "alpha: T", "delta: T"],
        outputs: &["out: Ref(T)"],
        attrs: ATTRS,
        effect: Effect::Write,
        shape: shape::unknown,
        kernels: KERNELS,
    },
    Op {
        name: "ResourceApplyGradientDescent",
        inputs: &["var: resource", "alpha: T", "delta: T"],
        outputs: &[],
        attrs: ATTRS,
        effect: Effect::Write,
        shape: shape::none,
        kernels: KERNELS,
    },
];

const ATTRS: &[&str] = &[
    "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, quint16, \
     uint16, complex128, half, uint32, uint64}",
    "use_locking: bool = false",
];

const KERNELS: Kernels = by_dtype!("T"; build: f32 f64 f16 bf16 Complex32 Complex64);

fn build<T: Arithmetic>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        update(ctx, |ctx, variable| {
            let (alpha, delta) = (ctx.input(1), ctx.input(2));
            if alpha.rank() != 0 {
                return Err(Error::invalid_argument(format!("alpha is not a scalar: {}", alpha.shape())));
            }
            if variable.shape() != delta.shape() {
                return Err(Error::invalid_argument(format!(
                    "var and delta do not have the same shape{} {}",
                    variable.shape(),
                    delta.shape()
                )));
            }
            descend::<T>(variable, alpha.to_scalar()?, delta)
        })
    }))
}

fn descend<T: Arithmetic>(variable: &mut Tensor, alpha: T, delta: &Tensor) -> Result<()> {
    let delta = delta.as_slice::<T>()?;
    variable.as_mut_slice::<T>()?.iter_mut().zip(delta).for_each(|(v, &d)| *v = v.minus(d.times(alpha)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::Variable;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};
    use savedmodel_tensor::{Handle, PartialShape};
    use std::sync::Arc;

    #[test]
    fn table() {
        let check = |op: usize, value: &str, alpha: &str, delta: &str, want: &str| {
            let (value, alpha) = (parse_tensor(value), parse_tensor(alpha));
            let variable = Arc::new(Variable::new("v", value.dtype(), PartialShape::unknown()));
            variable.assign(value).unwrap();
            let handle = Tensor::from_handles([], vec![Handle::new("", "v", Arc::clone(&variable))]).unwrap();
            let test = OpTest::new(&OPS[op]).attr("T", alpha.dtype()).input(handle);
            let run = test.input(alpha).input(parse_tensor(delta)).run();
            assert_eq!(show(&run.map(|_| vec![variable.read().unwrap()])), want);
        };
        check(0, "float[2] 1 2", "float[] 0.5", "float[2] 1 1", "float[2] 0.5 1.5");
        check(1, "half[2] 1 2", "half[] 0.5", "half[2] 1 -1", "half[2] 0.5 2.5");
        check(1, "complex64[] 1+2i", "complex64[] 2+0i", "complex64[] 0+1i", "complex64[] 1+0i");
        let shapes = "INVALID_ARGUMENT: var and delta do not have the same shape[2] [1]";
        check(0, "float[2] 1 2", "float[] 0.5", "float[1] 1", shapes);
        check(
            1,
            "float[2] 1 2",
            "float[1] 0.5",
            "float[2] 1 1",
            "INVALID_ARGUMENT: alpha is not a scalar: [1]",
        );
    }
}
