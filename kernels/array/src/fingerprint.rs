//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};
use savedmodel_text::hash::fingerprint64;

/// Hashes each row of a tensor to eight bytes with FarmHash.
///
/// A row of several strings is hashed as the fingerprints of its strings.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Fingerprint>
pub const OP: Op = Op {
    name: "Fingerprint",
    inputs: &["data: T", "method: string"],
    outputs: &["fingerprint: uint8"],
    attrs: &["T: type"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::new([ctx.input(0).dim(0), Some(8)])])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (data, method) = (ctx.input(0), ctx.input(1));
        if method.rank() != 0 {
            let text = format!("`method` should be a scalar string: {}", method.shape());
            return Err(Error::invalid_argument(text));
        }
        if &method.strings()?[0][..] != b"farmhash64" {
            let name = String::from_utf8_lossy(&method.strings()?[0]);
            return Err(Error::invalid_argument(format!("Unsupported fingerprint method: {name}")));
        }
        let Some(&rows) = data.shape().first() else {
            return Err(Error::invalid_argument("`data` should have at least one dimension: []"));
        };
        let prints: Vec<u8> =
            (0..rows).map(|row| print(data, row, rows)).collect::<Result<Vec<_>>>()?.into_flattened();
        let output = Tensor::from_vec([rows, 8], prints)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn print(data: &Tensor, row: usize, rows: usize) -> Result<[u8; 8]> {
    let len = data.elements() / rows;
    if data.dtype() == DType::String {
        let strings = &data.strings()?[row * len..][..len];
        let prints: Vec<[u8; 8]> = strings.iter().map(|s| fingerprint64(s).to_le_bytes()).collect();
        return Ok(match prints[..] {
            [only] => only,
            _ => fingerprint64(prints.as_flattened()).to_le_bytes(),
        });
    }
    let bytes = data
        .bytes()
        .ok_or_else(|| Error::invalid_argument(format!("Data type not supported: {}", data.dtype())))?;
    let len = bytes.len() / rows;
    Ok(fingerprint64(&bytes[row * len..][..len]).to_le_bytes())
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
                    "Fingerprint",
                    "",
                    "float[2] 1 2; string[] 'farmhash64'",
                    "uint8[2,8] 42 171 211 87 251 146 121 4 156 206 45 21 1 1 236 37",
                ),
                (
                    "Fingerprint",
                    "",
                    "string[2] 'a' 'bc'; string[] 'farmhash64'",
                    "uint8[2,8] 227 117 223 182 101 66 69 179 119 129 82 223 68 160 90 83",
                ),
                (
                    "Fingerprint",
                    "",
                    "string[2,2] 'a' 'bc' 'd' 'e'; string[] 'farmhash64'",
                    "uint8[2,8] 85 27 103 37 147 177 144 87 234 62 180 96 191 13 17 56",
                ),
                (
                    "Fingerprint",
                    "",
                    "int32[2,2] 1 2 3 4; string[] 'farmhash64'",
                    "uint8[2,8] 76 18 253 133 168 204 240 10 254 162 60 240 103 244 53 255",
                ),
                (
                    "Fingerprint",
                    "",
                    "int32[2,0]; string[] 'farmhash64'",
                    "uint8[2,8] 79 64 144 47 59 106 225 154 79 64 144 47 59 106 225 154",
                ),
                ("Fingerprint", "", "int32[0,2]; string[] 'farmhash64'", "uint8[0,8]"),
                (
                    "Fingerprint",
                    "",
                    "int32[2,2] 1 2 3 4; string[] 'md5'",
                    "INVALID_ARGUMENT: Unsupported fingerprint method: md5",
                ),
                (
                    "Fingerprint",
                    "",
                    "int32[2,2] 1 2 3 4; string[1] 'farmhash64'",
                    "INVALID_ARGUMENT: `method` should be a scalar string: [1]",
                ),
                (
                    "Fingerprint",
                    "",
                    "int32[] 1; string[] 'farmhash64'",
                    "INVALID_ARGUMENT: `data` should have at least one dimension: []",
                ),
            ],
        );
    }
}
