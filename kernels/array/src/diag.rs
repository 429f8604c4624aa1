//! Tensors made of their main diagonal, and the other way round.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{self, *};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_width};

const DTYPES: &[DType] = &[Float, Double, Half, Int32, Int64, Complex64, Complex128];

/// `Diag` puts a tensor on the diagonal of one of twice its rank; `DiagPart` takes it off.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Diag>.
pub const OPS: &[Op] = &[
    Op {
        name: "Diag",
        inputs: &["diagonal: T"],
        outputs: &["output: T"],
        attrs: &["T: {bfloat16, half, float, double, int32, int64, complex64, complex128}"],
        effect: Effect::Pure,
        shape: twice,
        kernels: Kernels::All(&[("T", DTYPES)], build_diag),
    },
    Op {
        name: "DiagPart",
        inputs: &["input: T"],
        outputs: &["diagonal: T"],
        attrs: &["T: {bfloat16, half, float, double, int32, int64, complex64, complex128}"],
        effect: Effect::Pure,
        shape: half,
        kernels: Kernels::All(&[("T", DTYPES)], build_part),
    },
];

fn twice(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let diagonal = ctx.input(0);
    Ok(vec![
        diagonal.dims().map_or_else(PartialShape::unknown, |dims| PartialShape::new([dims, dims].concat())),
    ])
}

fn half(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let Some(dims) = input.dims() else { return Ok(vec![PartialShape::unknown()]) };
    let (first, second) = dims.split_at(dims.len() / 2);
    Ok(vec![PartialShape::new(first.iter().zip(second).map(|(&a, &b)| a.or(b)))])
}

fn build_diag(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let shape = ctx.input(0).shape();
        if shape.rank() == 0 {
            return Err(Error::invalid_argument("Input must be at least rank 1, got 0"));
        }
        let shape = Shape::from([shape.dims(), shape.dims()].concat());
        if shape.rank() > Shape::MAX_RANK {
            return Err(Error::invalid_argument(format!("Too many dimensions in tensor: {}", shape.rank())));
        }
        let output = by_width!(ctx.input(0).dtype(), U => spread::<U>(ctx, shape))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn spread<U: Unit>(ctx: &Context<'_>, shape: Shape) -> Result<Tensor> {
    let diagonal = ctx.input(0);
    let mut output = ctx.run().allocate(diagonal.dtype(), shape)?;
    let places = output.units_mut::<U>()?.iter_mut().step_by(diagonal.elements() + 1);
    places.zip(diagonal.units::<U>()?).for_each(|(o, v)| *o = v.clone());
    Ok(output)
}

fn build_part(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let shape = ctx.input(0).shape();
        let (first, second) = shape.split_at(shape.rank() / 2);
        if !shape.rank().is_multiple_of(2) {
            return Err(Error::invalid_argument(format!(
                "The rank of the tensor should be                                          even and positive, got \
                 shape {shape}"
            )));
        }
        if let Some(i) = (0..first.len()).find(|&i| first[i] != second[i]) {
            return Err(Error::invalid_argument(format!(
                "Invalid shape {shape}: dimensions {i} and {} do not match.",
                i + first.len()
            )));
        }
        let shape = Shape::from(first);
        let output = by_width!(ctx.input(0).dtype(), U => collect::<U>(ctx, shape))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn collect<U: Unit>(ctx: &Context<'_>, shape: Shape) -> Result<Tensor> {
    let input = ctx.input(0);
    let mut output = ctx.allocate(input.dtype(), shape)?;
    let step = output.elements() + 1;
    let values = input.units::<U>()?.iter().step_by(step);
    output.units_mut::<U>()?.iter_mut().zip(values).for_each(|(o, v)| *o = v.clone());
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Diag", "", "float[2] 1 2", "float[2,2] 1 0 0 2"),
                ("Diag", "", "int32[2,2] 1 2 3 4", "int32[2,2,2,2] 1 0 0 0 0 2 0 0 0 0 3 0 0 0 0 4"),
                ("Diag", "", "complex64[1] 1+2i", "complex64[1,1] 1+2i"),
                ("Diag", "", "half[0]", "half[0,0]"),
                ("Diag", "", "float[] 2", "INVALID_ARGUMENT: Input must be at least rank 1, got 0"),
                ("Diag", "", "bfloat16[1] 2", "INVALID_ARGUMENT"),
                ("DiagPart", "", "float[2,2] 1 2 3 4", "float[2] 1 4"),
                ("DiagPart", "", "int64[2,1,2,1] 1 2 3 4", "int64[2,1] 1 4"),
                ("DiagPart", "", "float[] 1", "float[] 1"),
                ("DiagPart", "", "float[0,0]", "float[0]"),
                (
                    "DiagPart",
                    "",
                    "float[2,3] 1 2 3 4 5 6",
                    "INVALID_ARGUMENT: Invalid shape [2,3]: dimensions 0 and 1 do not match.",
                ),
                (
                    "DiagPart",
                    "",
                    "float[2] 1 2",
                    "INVALID_ARGUMENT: The rank of the tensor should be                                          even and positive, got shape [2]",
                ),
            ],
        );
    }
}
