//! See [`OP`].

use savedmodel_op::dtypes::NUMBERS;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, by_width};

use crate::patches::{Patches, Window, spatial};

/// Takes rectangular patches out of images and puts each along the depth of one pixel.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ExtractImagePatches>
pub const OP: Op = Op {
    name: "ExtractImagePatches",
    inputs: &["images: T"],
    outputs: &["patches: T"],
    attrs: &[
        "ksizes: list(int) >= 4",
        "strides: list(int) >= 4",
        "rates: list(int) >= 4",
        "T: {realnumbertype, complex64, complex128, bool}",
        "padding: {'SAME', 'VALID'}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", NUMBERS)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let list = |name| ctx.attr::<Vec<i64>>(name).unwrap_or_default();
    let known = ctx.input(0).known().filter(|input| input.rank() == 4);
    let Some(input) = known else { return Ok(vec![PartialShape::of_rank(4)]) };
    let windows = windows([list("ksizes"), list("strides"), list("rates")])?;
    let same = ctx.attr::<String>("padding").is_some_and(|padding| padding == "SAME");
    Ok(vec![(&Patches::new(&input, &windows, same)?.shape).into()])
}

fn windows([sizes, strides, rates]: [Vec<i64>; 3]) -> Result<Vec<Window>> {
    let (sizes, strides) = (spatial(&sizes, "ksizes", 4)?, spatial(&strides, "strides", 4)?);
    let rates = spatial(&rates, "rates", 4)?;
    let all = sizes.into_iter().zip(strides).zip(rates);
    Ok(all.map(|((size, stride), rate)| Window { size, stride, rate }).collect())
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let windows = windows([node.attr("ksizes")?, node.attr("strides")?, node.attr("rates")?])?;
    let same = node.attr::<String>("padding")? == "SAME";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let images = ctx.input(0);
        if images.rank() != 4 {
            return Err(Error::invalid_argument(format!("input must be 4-dimensional{}", images.shape())));
        }
        let patches = Patches::new(images.shape(), &windows, same)?;
        let output = by_width!(images.dtype(), U => patches.take::<U>(ctx))?;
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        (
            "ExtractImagePatches",
            "ksizes=[1,2,2,1] strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
            "float[1,3,3,1] 1 2 3 4 5 6 7 8 9",
            "float[1,2,2,4] 1 2 4 5 2 3 5 6 4 5 7 8 5 6 8 9",
        ),
        (
            "ExtractImagePatches",
            "ksizes=[1,2,2,1] strides=[1,2,2,1] rates=[1,2,2,1] padding=SAME",
            "float[1,3,3,1] 1 2 3 4 5 6 7 8 9",
            "float[1,2,2,4] 0 0 0 5 0 0 5 0 0 5 0 0 5 0 0 0",
        ),
        (
            "ExtractImagePatches",
            "ksizes=[1,2,2,1] strides=[1,1,1,1] rates=[1,1,1,1] padding=SAME",
            "int8[1,2,2,2] 1 2 3 4 5 6 7 8",
            "int8[1,2,2,8] 1 2 3 4 5 6 7 8 3 4 0 0 7 8 0 0 5 6 7 8 0 0 0 0 7 8 0 0 0 0 0 0",
        ),
        (
            "ExtractImagePatches",
            "ksizes=[1,1,2,1] strides=[1,3,1,1] rates=[1,1,2,1] padding=VALID",
            "float[2,2,3,1] 1 2 3 4 5 6 7 8 9 10 11 12",
            "float[2,1,1,2] 1 3 7 9",
        ),
        (
            "ExtractImagePatches",
            "ksizes=[1,4,4,1] strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
            "float[1,3,3,1] 1 2 3 4 5 6 7 8 9",
            "float[1,0,0,16]",
        ),
        (
            "ExtractImagePatches",
            "ksizes=[1,6,6,1] strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
            "float[1,3,3,1] 1 2 3 4 5 6 7 8 9",
            "INVALID_ARGUMENT: Computed output size would be negative: -2 [input_size: 3, effective_filter_size: 6, stride: 1]",
        ),
        (
            "ExtractImagePatches",
            "ksizes=[2,2,2,1] strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
            "float[1,3,3,1] 1 2 3 4 5 6 7 8 9",
            "UNIMPLEMENTED: Only support ksizes across space.",
        ),
        (
            "ExtractImagePatches",
            "ksizes=[1,2,2,1] strides=[1,0,1,1] rates=[1,1,1,1] padding=VALID",
            "float[1,3,3,1] 1 2 3 4 5 6 7 8 9",
            "OUT_OF_RANGE: strides is out of range.",
        ),
        (
            "ExtractImagePatches",
            "ksizes=[1,2,2,1] strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
            "float[3,3,1] 1 2 3 4 5 6 7 8 9",
            "INVALID_ARGUMENT: input must be 4-dimensional[3,3,1]",
        ),
        (
            "ExtractImagePatches",
            "ksizes=[1,2,2,1] strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
            "bool[1,2,2,1] true true true true",
            "INVALID_ARGUMENT",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
