//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Code, DType, Error, PartialShape, Result, Shape, Tensor};

/// Random bits from a key and a counter, with the counter that comes after them.
///
/// Algorithm 1 is Philox, 2 Threefry, 3 the one that TensorFlow likes best, which is Philox.
///
/// <https://openxla.org/xla/operation_semantics#rngbitgenerator>
pub const OP: Op = Op {
    name: "XlaRngBitGenerator",
    inputs: &["algorithm: int32", "initial_state: uint64", "shape: Tshape"],
    outputs: &["output_key: uint64", "output: dtype"],
    attrs: &[
        "dtype: {uint8, int8, int32, int64, uint32, uint64} = DT_UINT64",
        "Tshape: {int32, int64} = DT_INT32",
    ],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| {
        let given = ctx.integers(2).and_then(|dims| PartialShape::from_i64(&dims).ok());
        Ok(vec![ctx.input(1), given.unwrap_or_default()])
    },
    kernels: Kernels::All(&[("dtype", &[DType::Uint8, DType::Uint32, DType::Uint64])], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        if ctx.input(2).rank() != 1 {
            return Err(Error::invalid_argument(format!(
                "a shape must be a vector, got {}",
                ctx.input(2).shape()
            )));
        }
        let shape = Shape::from_i64(&ctx.input(2).to_i64s()?)?;
        let state = ctx.input(1).as_slice::<u64>()?.to_vec();
        let is_philox = match ctx.input(0).to_scalar::<i32>()? {
            1 | 3 => true,
            2 => false,
            other => {
                return Err(Error::new(Code::Unknown, format!("no random algorithm has the number {other}")));
            }
        };
        if state.len() < 2 || ctx.input(1).rank() != 1 {
            return Err(Error::invalid_argument(format!("a state of shape {}", ctx.input(1).shape())));
        }
        if state.len() > if is_philox { 3 } else { 2 } {
            return Err(Error::internal(format!("a state of {} words is too long", state.len())));
        }
        let mut output = ctx.run().allocate(dtype, shape)?;
        let next = if is_philox { philox(&state, &mut output) } else { threefry(&state, &mut output) }?;
        ctx.set(0, Tensor::from_vec([next.len()], next)?);
        ctx.set(1, output);
        Ok(())
    }))
}

/// Puts 32 bits (64 for each element of that width) into each element of a tensor.
fn put(output: &mut Tensor, at: usize, word: impl Fn(usize) -> u32) -> Result<()> {
    match output.dtype() {
        DType::Uint8 => output.as_mut_slice::<u8>()?[at] = word(0) as u8,
        DType::Uint32 => output.as_mut_slice::<u32>()?[at] = word(0),
        _ => output.as_mut_slice::<u64>()?[at] = u64::from(word(0)) | u64::from(word(1)) << 32,
    }
    Ok(())
}

fn words(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

fn philox(state: &[u64], output: &mut Tensor) -> Result<Vec<u64>> {
    let key = words(state[0]);
    // Without a third word, the key is the upper half of the counter.
    let upper = state.get(2).copied().unwrap_or(state[0]);
    let mut counter = u128::from(state[1]) | u128::from(upper) << 64;
    let per_block = if output.dtype() == DType::Uint64 { 2 } else { 4 };
    let len = output.elements();
    for at in (0..len).step_by(per_block) {
        let ([a, b], [c, d]) = (words(counter as u64), words((counter >> 64) as u64));
        let block = philox_block(key, [a, b, c, d]);
        for i in at..len.min(at + per_block) {
            put(output, i, |word| block[(i - at) * (4 / per_block) + word])?;
        }
        counter = counter.wrapping_add(1);
    }
    let next = [state[0], counter as u64, (counter >> 64) as u64];
    Ok(next[..state.len()].to_vec())
}

fn philox_block(mut key: [u32; 2], mut counter: [u32; 4]) -> [u32; 4] {
    for _ in 0..10 {
        let [low, high] = words(0xD251_1F53 * u64::from(counter[0]));
        let [lower, higher] = words(0xCD9E_8D57 * u64::from(counter[2]));
        counter = [higher ^ counter[1] ^ key[0], lower, high ^ counter[3] ^ key[1], low];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

fn threefry(state: &[u64], output: &mut Tensor) -> Result<Vec<u64>> {
    let key = words(state[0]);
    let block = |i: usize| threefry_block(key, words(state[1].wrapping_add(i as u64)));
    let len = output.elements();
    if output.dtype() == DType::Uint64 {
        for i in 0..len {
            let block = block(i);
            put(output, i, |word| block[word])?;
        }
        return Ok(vec![state[0], state[1].wrapping_add(len as u64)]);
    }
    // The two words of a block are neighbours along an even dimension, or else the largest.
    let dims = output.shape().to_vec();
    let even = dims.iter().position(|dim| dim % 2 == 0);
    let most = dims.iter().copied().max().unwrap_or(1);
    let axis = even.or(dims.iter().position(|&dim| dim == most)).unwrap_or(0);
    let size = dims.get(axis).copied().unwrap_or(1);
    let inner: usize = dims.iter().skip(axis + 1).product();
    let half = size.div_ceil(2);
    let outer: usize = dims.iter().take(axis).product();
    for place in 0..outer * half * inner {
        let (rest, column) = (place / inner, place % inner);
        let (row, pair) = (rest / half, rest % half);
        let block = block(place);
        for (i, word) in block.into_iter().enumerate().filter(|(i, _)| 2 * pair + i < size) {
            put(output, (row * size + 2 * pair + i) * inner + column, |_| word)?;
        }
    }
    Ok(vec![state[0], state[1].wrapping_add((outer * half * inner) as u64)])
}

fn threefry_block(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    let keys = [key[0], key[1], 0x1BD1_1BDA ^ key[0] ^ key[1]];
    let [mut x, mut y] = [counter[0].wrapping_add(key[0]), counter[1].wrapping_add(key[1])];
    for round in 0..5 {
        for rotation in ROTATIONS[round % 2] {
            x = x.wrapping_add(y);
            y = y.rotate_left(rotation) ^ x;
        }
        x = x.wrapping_add(keys[(round + 1) % 3]);
        y = y.wrapping_add(keys[(round + 2) % 3]).wrapping_add(round as u32 + 1);
    }
    [x, y]
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
                    "XlaRngBitGenerator",
                    "dtype=uint32",
                    "int32[] 1; uint64[2] 7 9; int32[1] 3",
                    "uint64[2] 7 10; uint32[3] 2624491802 3865826212 2369117307",
                ),
                (
                    "XlaRngBitGenerator",
                    "dtype=uint32",
                    "int32[] 2; uint64[2] 7 0; int32[2] 1 3",
                    "uint64[2] 7 2; uint32[1,3] 3901892970 3158004665 2964889903",
                ),
            ],
        );
    }
}
