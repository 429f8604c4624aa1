//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{
    Complex32, Complex64, DType, Element, Error, PartialShape, Result, Shape, Tensor, bf16, f16,
};

/// Gives the coordinates of all elements that are not zero, in row-major order.
///
/// NaN is not zero. Scalars and tensors of more than eight dimensions are refused, and so is `half`, as by
/// TensorFlow's CPU kernel.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Where>
pub const OP: Op = Op {
    name: "Where",
    inputs: &["input: T"],
    outputs: &["index: int64"],
    attrs: &["T: {numbertype, qint16, quint16, bool} = DT_BOOL"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; half: f16; build: f32 f64 bf16 i8 i16 i32 i64 u8 u16 u32 u64 bool Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::new([None, ctx.input(0).rank()])])
}

/// TensorFlow has a kernel that only says so.
fn half<T: Element>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|_: &mut Context<'_>| {
        Err(Error::unimplemented(format!("No WhereOp available for {} on CPU", T::DTYPE)))
    }))
}

fn build<T: Element>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        if !(1..=8).contains(&input.rank()) {
            let text = format!("WhereOp : Unhandled input dimensions: {}", input.rank());
            return Err(Error::invalid_argument(text));
        }
        let found = positions(input.as_slice::<T>()?);
        let mut output = ctx.allocate(DType::Int64, [found.len(), input.rank()])?;
        coordinates(&found, input.shape(), &mut output)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn positions<T: Element>(values: &[T]) -> Vec<usize> {
    let zero = T::default();
    let count = values.iter().map(|&v| usize::from(v != zero)).sum();
    // Every place is written down; the next one goes over it unless it counts. So no branch is taken wrong.
    let mut found = vec![0; count + 1];
    let mut next = 0;
    for (place, &value) in values.iter().enumerate() {
        found[next] = place;
        next += usize::from(value != zero);
    }
    found.truncate(count);
    found
}

/// Writes the coordinates of each position, which ascend, into a row.
fn coordinates(found: &[usize], shape: &Shape, output: &mut Tensor) -> Result<()> {
    fn of_rank<const RANK: usize>(found: &[usize], shape: &[usize], out: &mut [i64]) {
        let inner = shape[RANK - 1];
        let (rows, _) = out.as_chunks_mut::<RANK>();
        let mut place = [0; RANK];
        // The current line along the innermost dimension; none yet.
        let mut line = 0..0;
        for (out, &position) in rows.iter_mut().zip(found) {
            if position >= line.end {
                let start = position - position % inner;
                line = start..start + inner;
                let mut rest = position / inner;
                for i in (0..RANK - 1).rev() {
                    place[i] = (rest % shape[i]) as i64;
                    rest /= shape[i];
                }
            }
            place[RANK - 1] = (position - line.start) as i64;
            *out = place;
        }
    }
    let out = output.as_mut_slice::<i64>()?;
    let write = match shape.rank() {
        1 => of_rank::<1>,
        2 => of_rank::<2>,
        3 => of_rank::<3>,
        4 => of_rank::<4>,
        5 => of_rank::<5>,
        6 => of_rank::<6>,
        7 => of_rank::<7>,
        _ => of_rank::<8>,
    };
    write(found, shape.dims(), out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Where", "", "bool[4] true false true true", "int64[3,1] 0 2 3"),
                ("Where", "", "float[2,3] 0 1 NaN 0 -0 2", "int64[3,2] 0 1 0 2 1 2"),
                ("Where", "", "int8[2,2,2] 0 1 0 0 2 0 0 3", "int64[3,3] 0 0 1 1 0 0 1 1 1"),
                ("Where", "", "complex64[2] 0+1i 0+0i", "int64[1,1] 0"),
                ("Where", "", "bool[] true", "INVALID_ARGUMENT: WhereOp : Unhandled input dimensions: 0"),
                ("Where", "", "bool[] false", "INVALID_ARGUMENT: WhereOp : Unhandled input dimensions: 0"),
                ("Where", "", "bfloat16[0,2]", "int64[0,2]"),
                ("Where", "", "half[0,2]", "UNIMPLEMENTED"),
                ("Where", "", "int64[3] 0 0 0", "int64[0,1]"),
            ],
        );
    }
}
