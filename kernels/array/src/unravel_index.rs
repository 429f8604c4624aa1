//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::index;

/// Tells the coordinates of elements of a tensor, one row for each dimension.
///
/// A negative number is not refused; its digits come out negative.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UnravelIndex>
pub const OP: Op = Op {
    name: "UnravelIndex",
    inputs: &["indices: Tidx", "dims: Tidx"],
    outputs: &["output: Tidx"],
    attrs: &["Tidx: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("Tidx", INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (indices, count) = (ctx.input(0), ctx.input(1).dim(0));
    Ok(vec![match indices.dims() {
        Some([]) => PartialShape::new([count]),
        Some([len]) => PartialShape::new([count, *len]),
        _ => PartialShape::unknown(),
    }])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let output = unravel(ctx.input(0), ctx.input(1))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn unravel(indices: &Tensor, dims: &Tensor) -> Result<Tensor> {
    let dtype = indices.dtype();
    if indices.rank() > 1 {
        let text = format!("The indices can only be scalar or vector, got \"{}\"", indices.shape());
        return Err(Error::invalid_argument(text));
    }
    if dims.rank() != 1 {
        let text = format!("The indices can only be 1-D, got \"{}\"", dims.shape());
        return Err(Error::invalid_argument(text));
    }
    if indices.elements() == 0 {
        return Err(Error::invalid_argument(format!(
            "received empty tensor indices: Tensor<type: {dtype} shape: {} values: >",
            indices.shape()
        )));
    }
    let (numbers, dims) = (indices.to_i64s()?, dims.to_i64s()?);
    let product = product(&dims, dtype)?;
    if numbers.iter().any(|&number| number >= product) {
        return Err(Error::invalid_argument("index is out of bound as with dims"));
    }
    let mut output = vec![0; dims.len() * numbers.len()];
    let mut step = 1;
    for (row, &dim) in output.chunks_exact_mut(numbers.len()).zip(&dims).rev() {
        let whole = step * dim;
        row.iter_mut().zip(&numbers).for_each(|(o, &number)| *o = number % whole / step);
        step = whole;
    }
    let shape: Shape = [dims.len()].into_iter().chain(indices.shape().iter().copied()).collect();
    index::tensor(dtype, shape, &output)
}

/// The product of the dimensions, all of which must be positive.
fn product(dims: &[i64], dtype: DType) -> Result<i64> {
    if let Some(i) = dims.iter().position(|&dim| dim == 0) {
        return Err(Error::invalid_argument(format!(
            "Input dims cannot contain a dim of zero, but dims contains zero at index {i}"
        )));
    }
    if let Some(i) = dims.iter().position(|&dim| dim < 0) {
        return Err(Error::invalid_argument(format!(
            "Input dims cannot be negative. Got dim = {} at index {i}",
            dims[i]
        )));
    }
    let most = if dtype == DType::Int32 { i32::MAX.into() } else { i64::MAX };
    let product = dims.iter().try_fold(1_i64, |product, &dim| product.checked_mul(dim));
    product.filter(|&product| product <= most).ok_or_else(|| {
        let shown: Vec<String> = dims.iter().map(ToString::to_string).collect();
        Error::invalid_argument(format!(
            "Input dims product is causing integer overflow: ({})",
            shown.join(" ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("UnravelIndex", "", "int32[] 5; int32[2] 2 3", "int32[2] 1 2"),
                ("UnravelIndex", "", "int32[2] 5 1; int32[2] 2 3", "int32[2,2] 1 0 2 1"),
                ("UnravelIndex", "", "int64[2] 23 0; int64[3] 2 3 4", "int64[3,2] 1 0 2 0 3 0"),
                ("UnravelIndex", "", "int32[2] 5 -1; int32[2] 2 3", "int32[2,2] 1 0 2 -1"),
                (
                    "UnravelIndex",
                    "",
                    "int32[2] 5 6; int32[2] 2 3",
                    "INVALID_ARGUMENT: index is out of bound as with dims",
                ),
                (
                    "UnravelIndex",
                    "",
                    "int32[2] 0 0; int32[2] 0 3",
                    "INVALID_ARGUMENT: Input dims cannot contain a dim of zero, but dims contains zero at index 0",
                ),
                (
                    "UnravelIndex",
                    "",
                    "int32[1] 0; int32[2] -2 3",
                    "INVALID_ARGUMENT: Input dims cannot be negative. Got dim = -2 at index 0",
                ),
                (
                    "UnravelIndex",
                    "",
                    "int32[1,1] 0; int32[2] 2 3",
                    "INVALID_ARGUMENT: The indices can only be scalar or vector, got \"[1,1]\"",
                ),
                (
                    "UnravelIndex",
                    "",
                    "int32[2] 0 0; int32[] 3",
                    "INVALID_ARGUMENT: The indices can only be 1-D, got \"[]\"",
                ),
                (
                    "UnravelIndex",
                    "",
                    "int32[0]; int32[2] 2 3",
                    "INVALID_ARGUMENT: received empty tensor indices: Tensor<type: int32 shape: [0] values: >",
                ),
                (
                    "UnravelIndex",
                    "",
                    "int64[1] 0; int64[2] 4294967296 4294967296",
                    "INVALID_ARGUMENT: Input dims product is causing integer overflow: (4294967296 4294967296)",
                ),
                (
                    "UnravelIndex",
                    "",
                    "int32[1] 0; int32[2] 65536 65536",
                    "INVALID_ARGUMENT: Input dims product is causing integer overflow: (65536 65536)",
                ),
            ],
        );
    }
}
