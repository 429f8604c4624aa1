//! See [`OPS`].

use savedmodel_math::map;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Qint32, Quint8, Result};

use crate::code::Code;
use crate::range::{Range, give, same_shape, scalar};

/// Cuts codes off at the one that stands for zero, and at that of six (`QuantizedRelu6`) or `max_value` (`QuantizedReluX`).
///
/// The range stays as it is.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedRelu> and the pages of the other names.
pub const OPS: &[Op] = &[
    op("QuantizedRelu", &["features: Tinput", "min_features: float", "max_features: float"]),
    op("QuantizedRelu6", &["features: Tinput", "min_features: float", "max_features: float"]),
    op(
        "QuantizedReluX",
        &["features: Tinput", "max_value: float", "min_features: float", "max_features: float"],
    ),
];

const fn op(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["activations: out_type", "min_activations: float", "max_activations: float"],
        attrs: &[
            "Tinput: {qint8, quint8, qint32, qint16, quint16}",
            "out_type: {qint8, quint8, qint32, qint16, quint16} = DT_QUINT8",
        ],
        effect: Effect::Pure,
        shape: same_shape,
        kernels: by_dtype!("Tinput"; build: Qint32 Quint8),
    }
}

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.outputs[0] != T::DTYPE {
        return Err(node.no_kernel("out_type"));
    }
    let fixed = (node.op() == "QuantizedRelu6").then_some(6.0);
    let given = node.op() == "QuantizedReluX";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let range = Range::input(ctx, 1 + usize::from(given), ["min_features", "max_features"])?;
        let most = if given { Some(scalar(ctx, 1, "max_value")?) } else { fixed };
        let low = range.code::<T>(0.0).value();
        let high = most.map_or(T::HIGHEST, |most| range.code::<T>(most).value());
        let mut out = ctx.allocate(T::DTYPE, ctx.input(0).shape())?;
        map::map(ctx.input(0).as_slice::<T>()?, out.as_mut_slice::<T>()?, map::CHEAP, move |x| {
            T::of(x.value().max(low).min(high))
        });
        give(ctx, out, range);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "QuantizedRelu",
                    "",
                    "quint8[3] 1 128 200; float[] -1; float[] 1",
                    "quint8[3] 128 128 200; float[] -1; float[] 1",
                ),
                (
                    "QuantizedRelu6",
                    "out_type=qint32",
                    "qint32[3] -2147483648 0 2147483647; float[] -10; float[] 10",
                    "qint32[3] 0 0 1288490189; float[] -10; float[] 10",
                ),
                (
                    "QuantizedReluX",
                    "",
                    "quint8[3] 1 128 200; float[] 0.5; float[] 0; float[] 1",
                    "quint8[3] 1 128 128; float[] 0; float[] 1",
                ),
                (
                    "QuantizedRelu",
                    "",
                    "quint8[1] 1; float[0]; float[] 1",
                    "INVALID_ARGUMENT: `min_features` must be rank 0 but is rank 1",
                ),
                (
                    "QuantizedRelu",
                    "out_type=qint8",
                    "quint8[1] 1; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: operator QuantizedRelu has no kernel for attr out_type = qint8",
                ),
            ],
        );
    }
}
