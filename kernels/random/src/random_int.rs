//! `RandomUniformInt`, `StatelessRandomUniformFullInt` and their relatives.

use std::fmt::Display;

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, by_dtype};
use savedmodel_tensor::Result;

use crate::arguments::to_bounds;
use crate::distribution::{Integer, fill};
use crate::source::{Generation, Source};

/// Integers from `minval` up to but not including `maxval`, or of the whole range of their dtype.
///
/// They are random words modulo the size of the range, so that they are only nearly equally likely.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RandomUniformInt>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatelessRandomUniformFullIntV2>
pub const OPS: &[Op] = &[
    Op {
        name: "RandomUniformInt",
        inputs: &["shape: T", "minval: Tout", "maxval: Tout"],
        outputs: &["output: Tout"],
        attrs: &["seed: int = 0", "seed2: int = 0", "Tout: {int32, int64}", "T: {int32, int64}"],
        kernels: by_dtype!("Tout"; build_ranged: i32 i64),
        ..of(Generation::Node)
    },
    Op {
        name: "StatelessRandomUniformInt",
        inputs: &["shape: T", "seed: Tseed", "minval: dtype", "maxval: dtype"],
        attrs: &["dtype: {int32, int64}", "T: {int32, int64}", "Tseed: {int32, int64} = DT_INT64"],
        ..of(Generation::Seed)
    },
    Op {
        name: "StatelessRandomUniformIntV2",
        inputs: &[
            "shape: Tshape",
            "key: uint64",
            "counter: uint64",
            "alg: int32",
            "minval: dtype",
            "maxval: dtype",
        ],
        attrs: &["dtype: {int32, int64, uint32, uint64}", "Tshape: {int32, int64} = DT_INT32"],
        ..of(Generation::Key)
    },
    Op {
        name: "StatefulUniformInt",
        inputs: &[
            "resource: resource",
            "algorithm: int64",
            "shape: shape_dtype",
            "minval: dtype",
            "maxval: dtype",
        ],
        attrs: &["dtype: type = DT_INT64", "shape_dtype: type = DT_INT64"],
        ..of(Generation::Variable)
    },
    Op {
        name: "StatelessRandomUniformFullInt",
        inputs: &["shape: T", "seed: Tseed"],
        attrs: &[
            "dtype: {int32, int64, uint32, uint64} = DT_UINT64",
            "T: {int32, int64} = DT_INT32",
            "Tseed: {int32, int64, uint32, uint64} = DT_INT64",
        ],
        kernels: FULL,
        ..of(Generation::Seed)
    },
    Op {
        name: "StatelessRandomUniformFullIntV2",
        inputs: &["shape: Tshape", "key: uint64", "counter: uint64", "alg: int32"],
        attrs: &["dtype: {int32, int64, uint32, uint64} = DT_UINT64", "Tshape: {int32, int64} = DT_INT32"],
        kernels: FULL,
        ..of(Generation::Key)
    },
    Op {
        name: "StatefulUniformFullInt",
        inputs: &["resource: resource", "algorithm: int64", "shape: shape_dtype"],
        attrs: &["dtype: type = DT_UINT64", "shape_dtype: type = DT_INT64"],
        kernels: FULL,
        ..of(Generation::Variable)
    },
];

const FULL: Kernels = by_dtype!("dtype"; build_full: i32 i64 u32 u64);

const fn of(generation: Generation) -> Op {
    Op {
        name: "",
        inputs: &[],
        outputs: &["output: dtype"],
        attrs: &[],
        effect: generation.effect(),
        shape: generation.shape(),
        kernels: by_dtype!("dtype"; build_ranged: i32 i64),
    }
}

fn build_ranged<T: Integer + PartialOrd + Display>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let generation = Generation::of(node.op);
    let source = Source::of(node, generation)?;
    let low = generation.parameters();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut output = ctx.allocate(T::DTYPE, source.output_shape(ctx)?)?;
        let bounds = to_bounds::<T>(ctx.input(low), ctx.input(low + 1), output.elements())?;
        let stream = source.stream(ctx, output.elements())?;
        if let Some((low, high)) = bounds {
            fill(output.as_mut_slice()?, stream, T::PER_BLOCK, |block| T::ranged(block, low, high));
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn build_full<T: Integer>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let source = Source::of(node, Generation::of(node.op))?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut output = ctx.allocate(T::DTYPE, source.output_shape(ctx)?)?;
        let stream = source.stream(ctx, output.elements())?;
        fill(output.as_mut_slice()?, stream, T::PER_BLOCK, T::full);
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
        let key = "uint64[1] 1; uint64[2] 2 3; int32[] 1";
        let call = |head: &str, tail: &str| -> &'static str { format!("{head}; {key}{tail}").leak() };
        check_rows(
            OPS,
            &[
                (
                    "RandomUniformInt",
                    "seed=1 seed2=2",
                    "int32[5] 1 1 1 1 5; int32[] 0; int32[] 10",
                    "int32[1,1,1,1,5] 9 5 2 9 1",
                ),
                (
                    "StatelessRandomUniformIntV2",
                    "",
                    call("int32[1] 5", "; int32[] -3; int32[] 9"),
                    "int32[5] -1 3 2 3 8",
                ),
                (
                    "StatelessRandomUniformInt",
                    "",
                    "int32[1] 5; int32[2] 1 2; int64[] -3; int64[] 9",
                    "int64[5] -3 3 8 0 0",
                ),
                (
                    "StatelessRandomUniformInt",
                    "",
                    "int32[1] 2; int32[2] -1 -2; int32[] 3; int32[] 30",
                    "int32[2] 27 28",
                ),
                (
                    "StatelessRandomUniformInt",
                    "",
                    "int32[1] 0; int64[2] 1 2; int32[] 3; int32[] 3",
                    "int32[0]",
                ),
                (
                    "StatelessRandomUniformInt",
                    "",
                    "int32[1] 1; int64[2] 1 2; int32[] 3; int32[] 3",
                    "INVALID_ARGUMENT: Need minval < maxval, got 3 >= 3",
                ),
                (
                    "StatelessRandomUniformInt",
                    "",
                    "int32[1] 1; int64[2] 1 2; int32[1] 3; int32[] 3",
                    "INVALID_ARGUMENT: minval must be 0-D, got shape [1]",
                ),
                (
                    "StatelessRandomUniformFullIntV2",
                    "dtype=int32",
                    call("int32[1] 5", ""),
                    "int32[5] -263854262 1366700262 495645701 -1243243882 89414891",
                ),
                (
                    "StatelessRandomUniformFullIntV2",
                    "dtype=uint64",
                    call("int32[1] 3", ""),
                    "uint64[3] 5869932932755744586 13107052260063114245 8234580641674714347",
                ),
                (
                    "StatelessRandomUniformFullInt",
                    "dtype=int32",
                    "int32[1] 3; uint64[2] 1 2",
                    "INVALID_ARGUMENT: Invalid seed type: uint64",
                ),
            ],
        );
    }
}
