//! See [`OP`].

use savedmodel_op::dtypes::REAL_NUMBERS;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, by_width};

use crate::patches::{Patches, Window, spatial};

/// Takes box-shaped patches out of volumes and puts each along the depth of one cell.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ExtractVolumePatches>
pub const OP: Op = Op {
    name: "ExtractVolumePatches",
    inputs: &["input: T"],
    outputs: &["patches: T"],
    attrs: &[
        "ksizes: list(int) >= 5",
        "strides: list(int) >= 5",
        "T: realnumbertype",
        "padding: {'SAME', 'VALID'}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", REAL_NUMBERS)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let list = |name| ctx.attr::<Vec<i64>>(name).unwrap_or_default();
    let known = ctx.input(0).known().filter(|input| input.rank() == 5);
    let Some(input) = known else { return Ok(vec![PartialShape::of_rank(5)]) };
    let windows = windows([list("ksizes"), list("strides")])?;
    let same = ctx.attr::<String>("padding").is_some_and(|padding| padding == "SAME");
    Ok(vec![(&Patches::new(&input, &windows, same)?.shape).into()])
}

fn windows([sizes, strides]: [Vec<i64>; 2]) -> Result<Vec<Window>> {
    let (sizes, strides) = (spatial(&sizes, "ksizes", 5)?, spatial(&strides, "strides", 5)?);
    Ok(sizes.into_iter().zip(strides).map(|(size, stride)| Window { size, stride, rate: 1 }).collect())
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let windows = windows([node.attr("ksizes")?, node.attr("strides")?])?;
    let same = node.attr::<String>("padding")? == "SAME";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        if input.rank() != 5 {
            return Err(Error::invalid_argument(format!("input must be 5-dimensional{}", input.shape())));
        }
        let patches = Patches::new(input.shape(), &windows, same)?;
        let output = by_width!(input.dtype(), U => patches.take::<U>(ctx))?;
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                (
                    "ExtractVolumePatches",
                    "ksizes=[1,2,2,2,1] strides=[1,1,1,1,1] padding=VALID",
                    "float[1,2,2,2,1] 1 2 3 4 5 6 7 8",
                    "float[1,1,1,1,8] 1 2 3 4 5 6 7 8",
                ),
                (
                    "ExtractVolumePatches",
                    "ksizes=[1,2,1,2,1] strides=[1,1,2,1,1] padding=SAME",
                    "uint8[1,2,2,2,1] 1 2 3 4 5 6 7 8",
                    "uint8[1,2,1,2,4] 1 2 5 6 2 0 6 0 5 6 0 0 6 0 0 0",
                ),
                (
                    "ExtractVolumePatches",
                    "ksizes=[1,2,1,1,1] strides=[1,4,1,1,1] padding=SAME",
                    "uint8[1,8,1,1,1] 1 2 3 4 5 6 7 8",
                    "uint8[1,2,1,1,2] 2 3 6 7",
                ),
                (
                    "ExtractVolumePatches",
                    "ksizes=[1,3,2,2,1] strides=[1,1,1,1,1] padding=VALID",
                    "float[1,2,2,2,1] 1 2 3 4 5 6 7 8",
                    "float[1,0,1,1,12]",
                ),
                (
                    "ExtractVolumePatches",
                    "ksizes=[1,2,2,2,1] strides=[1,0,1,1,1] padding=VALID",
                    "float[1,2,2,2,1] 1 2 3 4 5 6 7 8",
                    "OUT_OF_RANGE: strides is out of range.",
                ),
                (
                    "ExtractVolumePatches",
                    "ksizes=[1,2,2,2,2] strides=[1,1,1,1,1] padding=VALID",
                    "float[1,2,2,2,1] 1 2 3 4 5 6 7 8",
                    "UNIMPLEMENTED: Only support ksizes across space.",
                ),
                (
                    "ExtractVolumePatches",
                    "ksizes=[1,2,2,2,1] strides=[1,1,1,1,1] padding=VALID",
                    "float[2,2,2,1] 1 2 3 4 5 6 7 8",
                    "INVALID_ARGUMENT: input must be 5-dimensional[2,2,2,1]",
                ),
            ],
        );
    }
}
