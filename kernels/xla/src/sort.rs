//! `XlaSort` and `XlaKeyValueSort`.

use savedmodel_kernels_array::walk;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::check_dtypes;

/// The last dimension in increasing order, alone or with values that go with it.
///
/// Zero comes after minus zero; NaNs come first or last, by their signs.
///
/// <https://openxla.org/xla/operation_semantics#sort>
pub const OPS: &[Op] = &[
    Op {
        name: "XlaSort",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(|node| match node.inputs[0] {
            dtype if dtype.is_complex() => Err(Error::unimplemented("complex comparison 'LT'")),
            _ => build(node),
        }),
    },
    Op {
        name: "XlaKeyValueSort",
        inputs: &["keys: K", "values: V"],
        outputs: &["sorted_keys: K", "sorted_values: V"],
        attrs: &[
            "K: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}",
            "V: type",
        ],
        effect: Effect::Pure,
        shape: |ctx| Ok(vec![ctx.input(0), ctx.input(1)]),
        kernels: Kernels::All(&[("K", dtypes::REAL_NUMBERS)], build),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_dtypes(node)?;
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let keys = ctx.input(0);
        if keys.rank() == 0 && ctx.input_len() == 1 {
            return Err(Error::invalid_argument("Sort dimension -1 is out of range for a scalar."));
        }
        let len = keys.shape().last().copied().unwrap_or(1);
        if let Some(values) = ctx.inputs(1).next().filter(|values| values.shape() != keys.shape()) {
            return Err(Error::invalid_argument(format!(
                "Sort keys and values dimensions must match: {} and {}",
                keys.shape(),
                values.shape()
            )));
        }
        let numbers = numbers(keys)?;
        let mut order: Vec<usize> = (0..numbers.len()).collect();
        order.chunks_mut(len.max(1)).for_each(|row| row.sort_by_key(|&i| numbers[i]));
        for i in 0..ctx.input_len() {
            let shape = ctx.input(i).shape().clone();
            let sorted = walk::read(&ctx.run(), ctx.input(i), &order, &[])?.reshape(shape)?;
            ctx.set(i, sorted);
        }
        Ok(())
    }))
}

/// Numbers in the order of the elements.
fn numbers(keys: &Tensor) -> Result<Vec<u64>> {
    let dtype = keys.dtype();
    let bytes = keys.bytes().unwrap_or_default();
    let size = dtype.size().unwrap_or(1);
    let top = 1_u64 << (8 * size - 1);
    let number = |bytes: &[u8]| {
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        if dtype.is_floating() {
            // Of negative numbers, those of the greatest magnitude come first.
            if bits & top == 0 { bits | top } else { !bits & (top | (top - 1)) }
        } else if matches!(dtype, DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64) {
            bits ^ top
        } else {
            bits
        }
    };
    Ok(bytes.chunks_exact(size).map(number).collect())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("XlaSort", "", "float[2,3] 3 -1 2 0 -0 nan", "float[2,3] -1 2 3 -0 0 nan"),
                ("XlaSort", "", "int8[3] 3 -128 0", "int8[3] -128 0 3"),
                ("XlaSort", "", "float[] 1", "INVALID_ARGUMENT: Sort dimension -1 is out of range"),
                ("XlaKeyValueSort", "", "uint8[3] 2 1 2; int32[3] 5 6 7", "uint8[3] 1 2 2; int32[3] 6 5 7"),
            ],
        );
    }
}
