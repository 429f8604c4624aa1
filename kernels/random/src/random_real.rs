//! `RandomUniform`, `RandomStandardNormal`, `TruncatedNormal` and their stateless and stateful forms.

use savedmodel_op::{Construction, Context, Kernel, Op, by_dtype};
use savedmodel_tensor::{Result, bf16, f16};

use crate::distribution::{Real, fill, fill_truncated};
use crate::source::{Generation, Source};

/// Numbers that are equally likely in `[0, 1)`, normally distributed, or normally distributed within two deviations.
///
/// All bits come from Philox, so that equal seeds give TensorFlow's numbers. A node with seeds continues its stream from
/// run to run; one without begins anywhere.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RandomUniform>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatelessRandomUniformV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatefulUniform>
pub const OPS: &[Op] = &[
    node("RandomUniform"),
    node("RandomStandardNormal"),
    node("TruncatedNormal"),
    seed("StatelessRandomUniform"),
    seed("StatelessRandomNormal"),
    seed("StatelessTruncatedNormal"),
    key("StatelessRandomUniformV2"),
    key("StatelessRandomNormalV2"),
    key("StatelessTruncatedNormalV2"),
    variable("StatefulUniform"),
    variable("StatefulStandardNormalV2"),
    variable("StatefulTruncatedNormal"),
    // The first version finds the algorithm in the variable too.
    of(
        "StatefulStandardNormal",
        Generation::Tagged,
        &["resource: resource", "shape: shape_dtype"],
        &["dtype: type = DT_FLOAT", "shape_dtype: type = DT_INT64"],
    ),
];

const fn node(name: &'static str) -> Op {
    of(
        name,
        Generation::Node,
        &["shape: T"],
        &["seed: int = 0", "seed2: int = 0", "dtype: {half, bfloat16, float, double}", "T: {int32, int64}"],
    )
}

const fn seed(name: &'static str) -> Op {
    of(
        name,
        Generation::Seed,
        &["shape: T", "seed: Tseed"],
        &[
            "dtype: {half, bfloat16, float, double} = DT_FLOAT",
            "T: {int32, int64} = DT_INT32",
            "Tseed: {int32, int64} = DT_INT64",
        ],
    )
}

const fn key(name: &'static str) -> Op {
    of(
        name,
        Generation::Key,
        &["shape: Tshape", "key: uint64", "counter: uint64", "alg: int32"],
        &["dtype: {half, bfloat16, float, double} = DT_FLOAT", "Tshape: {int32, int64} = DT_INT32"],
    )
}

const fn variable(name: &'static str) -> Op {
    of(
        name,
        Generation::Variable,
        &["resource: resource", "algorithm: int64", "shape: shape_dtype"],
        &["dtype: type = DT_FLOAT", "shape_dtype: type = DT_INT64"],
    )
}

const fn of(
    name: &'static str,
    generation: Generation,
    inputs: &'static [&'static str],
    attrs: &'static [&'static str],
) -> Op {
    Op {
        name,
        inputs,
        outputs: &["output: dtype"],
        attrs,
        effect: generation.effect(),
        shape: generation.shape(),
        kernels: by_dtype!("dtype"; build: f16 bf16 f32 f64),
    }
}

fn build<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let source = Source::of(node, Generation::of(node.op))?;
    let draw: fn(&mut [T], _) = match node.op {
        op if op.contains("Truncated") => fill_truncated,
        op if op.contains("Normal") => |out, stream| fill(out, stream, T::PER_BLOCK, T::normal),
        _ => |out, stream| fill(out, stream, T::PER_BLOCK, T::uniform),
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut output = ctx.allocate(T::DTYPE, source.output_shape(ctx)?)?;
        let stream = source.stream(ctx, output.elements())?;
        draw(output.as_mut_slice()?, stream);
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn stateless() {
        check_rows(
            OPS,
            &[
                (
                    "StatelessRandomUniform",
                    "",
                    "int32[1] 3; int64[2] 1 2",
                    "float[3] 0.8440604 0.19204533 0.9962232",
                ),
                (
                    "StatelessRandomUniformV2",
                    "",
                    "int32[1] 0; uint64[1] 1; uint64[2] 2 3; int32[] 1",
                    "float[0]",
                ),
                (
                    "StatelessRandomUniformV2",
                    "",
                    "int64[1] 3; uint64[1] 1; uint64[2] 2 3; int32[] 3",
                    "float[3] 0.5461208820343018 0.9233672618865967 0.08557188510894775",
                ),
                (
                    "StatelessRandomUniform",
                    "",
                    "int32[1,1] 3; int64[2] 1 2",
                    "INVALID_ARGUMENT: shape must be a vector of {int32,int64}, got shape [1,1]",
                ),
                (
                    "StatelessRandomUniform",
                    "",
                    "int32[1] -1; int64[2] 1 2",
                    "INVALID_ARGUMENT: Dimension -1 must be >= 0",
                ),
                (
                    "StatelessRandomUniform",
                    "",
                    "int32[1] 1; int64[1] 1",
                    "INVALID_ARGUMENT: seed must have shape [2], not [1]",
                ),
                (
                    "StatelessRandomUniformV2",
                    "",
                    "int32[1] 1; uint64[] 1; uint64[2] 2 3; int32[] 1",
                    "INVALID_ARGUMENT: key must have shape [1], not []",
                ),
                (
                    "StatelessRandomUniformV2",
                    "",
                    "int32[1] 1; uint64[1] 1; uint64[1] 2; int32[] 1",
                    "INVALID_ARGUMENT: counter must be a vector with length at least 2; got shape: [1]",
                ),
                (
                    "StatelessRandomUniformV2",
                    "",
                    "int32[1] 1; uint64[1] 1; uint64[2] 2 3; int32[] 2",
                    "INVALID_ARGUMENT: Unsupported algorithm id: 2",
                ),
                (
                    "StatelessRandomUniformV2",
                    "",
                    "int32[1] 1; uint64[1] 1; uint64[2] 2 3; int32[1] 1",
                    "INVALID_ARGUMENT: input 3 (0-based) must have shape [], not [1]",
                ),
            ],
        );
    }

    #[test]
    fn every_dtype() {
        let key = "uint64[1] 1; uint64[2] 2 3; int32[] 1";
        let five: &'static str = format!("int32[1] 5; {key}").leak();
        let seven: &'static str = format!("int32[1] 7; {key}").leak();
        let (normal, truncated) = ("StatelessRandomNormalV2", "StatelessTruncatedNormalV2");
        let uniform = "StatelessRandomUniformV2";
        check_rows(
            OPS,
            &[
                (
                    normal,
                    "",
                    five,
                    "float[5] -0.509381890296936 0.9748640656471252 -2.1340203285217285 0.6022912859916687 -0.3121471107006073",
                ),
                (
                    truncated,
                    "",
                    seven,
                    "float[7] -0.509381890296936 0.9748640656471252 0.6022912859916687 -0.3121471107006073 \
                 -0.2392892837524414 0.3570912182331085 1.4285286664962769",
                ),
                (
                    normal,
                    "dtype=double",
                    five,
                    "double[5] -1.2944838094594744 -0.5642746288097572 1.5889259178358803 -0.2723727660929226 \
                 -0.512130613397989",
                ),
                (
                    truncated,
                    "dtype=double",
                    seven,
                    "double[7] -1.2944838094594744 -0.5642746288097572 -0.11731619260979495 -0.29209403387995364 \
                 0.8530332781671011 1.3116961975396149 -0.35703750981046284",
                ),
                (
                    uniform,
                    "dtype=double",
                    five,
                    "double[5] 0.3689673597428338 0.6845757584903018 0.27268547668219667 0.2770196372806053 \
                 0.2381478370531429",
                ),
                (
                    uniform,
                    "dtype=half",
                    five,
                    "half[5] 0.822265625 0.224609375 0.0048828125 0.646484375 0.2294921875",
                ),
                (
                    uniform,
                    "dtype=bfloat16",
                    five,
                    "bfloat16[5] 0.578125 0.796875 0.0390625 0.171875 0.8359375",
                ),
                (
                    normal,
                    "dtype=half",
                    five,
                    "half[5] -0.50927734375 0.97509765625 -2.134765625 0.60205078125 -0.312255859375",
                ),
                (
                    truncated,
                    "dtype=bfloat16",
                    seven,
                    "bfloat16[7] -0.5078125 0.9765625 0.6015625 -0.3125 -0.2392578125 0.357421875 1.4296875",
                ),
            ],
        );
    }

    #[test]
    fn the_stream_goes_on() {
        use savedmodel_op::{ResourceManager, testing::OpTest};
        use savedmodel_tensor::{DType, Tensor};
        let resources = ResourceManager::new();
        let run = |seed: i64| {
            let test = OpTest::new(&super::OPS[0])
                .attr("seed", seed)
                .attr("seed2", 2 * seed)
                .attr("dtype", DType::Float);
            let sizes = Tensor::from_vec([1], vec![5]).unwrap();
            test.resources(&resources).input(sizes).run().unwrap()[0].as_slice::<f32>().unwrap().to_vec()
        };
        assert_eq!(run(1), [0.40639675, 0.8575996, 0.05539584, 0.08587229, 0.4121536]);
        assert_eq!(run(1)[0], 0.15982985);
        assert_ne!(run(0), run(0));
    }
}
