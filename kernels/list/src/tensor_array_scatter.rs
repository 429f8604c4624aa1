//! `TensorArrayScatterV3`, its older forms, and `TensorArrayUnpack`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{Error, Result};

use crate::tensor_array::TensorArray;

/// Writes the rows of a tensor to places of an array, or to all of its places.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArrayScatterV3>
pub const OPS: &[Op] = &[
    scatter("TensorArrayScatterV3", &["handle: resource", "indices: int32", "value: T", "flow_in: float"]),
    scatter("TensorArrayScatterV2", &["handle: string", "indices: int32", "value: T", "flow_in: float"]),
    scatter("TensorArrayScatter", &["handle: Ref(string)", "indices: int32", "value: T", "flow_in: float"]),
    scatter("TensorArrayUnpack", &["handle: Ref(string)", "value: T", "flow_in: float"]),
];

const fn scatter(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["flow_out: float"],
        attrs: &["T: type"],
        effect: Effect::Write,
        shape: shape::scalar,
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build),
    }
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let array = TensorArray::of(ctx, 0)?;
        let flow = ctx.input_len() - 1;
        let value = ctx.input(flow - 1);
        array.check_write(value.dtype())?;
        let Some(&rows) = value.shape().first() else {
            return Err(Error::invalid_argument(
                "Input value for unpack must be at least a vector but received shape: []",
            ));
        };
        let places = places(ctx, &array, rows)?;
        for (i, place) in places.into_iter().enumerate() {
            array.write(place, value.row(i)?, &ctx.run())?;
        }
        let flow = ctx.take(flow);
        ctx.set(0, flow);
        Ok(())
    }))
}

fn places(ctx: &Context<'_>, array: &TensorArray, rows: usize) -> Result<Vec<i32>> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    let (size, can_grow) = array.size_limits()?;
    if ctx.input_len() == 3 {
        if rows != size && !(can_grow && size < rows) {
            return refuse(format!(
                "Input value must have first dimension equal to the array size ({rows} vs. {size})"
            ));
        }
        return Ok((0..rows as i32).collect());
    }
    let indices = ctx.input(1);
    if indices.rank() != 1 {
        return refuse(format!("Expected indices to be a vector, but received shape: {}", indices.shape()));
    }
    let places = indices.as_slice::<i32>()?;
    if places.len() != rows {
        return refuse(format!(
            "Expected len(indices) == values.shape[0], but saw: {} vs. {rows}",
            places.len()
        ));
    }
    match places.iter().max() {
        Some(&highest) if !can_grow && i64::from(highest) >= size as i64 => {
            refuse(format!("Max scatter index must be < array size ({highest} vs. {size})"))
        }
        _ => Ok(places.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use crate::array_cases::Array;
    use savedmodel_tensor::DType;

    #[test]
    fn table() {
        let check = |array: &Array, inputs: &str, want: &str| {
            let got = array.call("TensorArrayScatterV3", vec![], inputs);
            assert!(got.contains(want), "{inputs}: {got}");
        };
        let array = Array::of(3, vec![]);
        check(&array, "int32[2] 2 0; float[2,1] 1 2", "float[] 0");
        let read = array.call("TensorArrayReadV3", vec![("dtype", DType::Float.into())], "int32[] 0");
        assert_eq!(read, "float[1] 2");
        check(&array, "int32[2] 1 1; float[2,1] 1 2", "index 1 because it has already been written to.");
        check(&array, "int32[1] 3; float[1,1] 1", "Max scatter index must be < array size (3 vs. 3)");
        check(&array, "int32[1] -1; float[1,1] 1", "Tried to write to index -1");
        check(
            &array,
            "int32[2] 1 2; float[1,1] 1",
            "Expected len(indices) == values.shape[0], but saw: 2 vs. 1",
        );
        check(&array, "int32[1] 1; float[]  1", "must be at least a vector but received shape: []");
        check(&array, "int32[1] 1; int32[1] 1", "Op is trying to write dtype int32.");
        let array = Array::of(0, vec![("dynamic_size", true.into())]);
        check(&array, "int32[1] 7; float[1,1] 1", "float[] 0");
        assert_eq!(array.call("TensorArraySizeV3", vec![], ""), "int32[] 8");
    }

    #[test]
    fn unpack() {
        let array = Array::new("TensorArray", 2, vec![]).unwrap();
        assert_eq!(array.call("TensorArrayUnpack", vec![], "float[2] 1 2"), "float[] 0");
        let pack = array.call("TensorArrayPack", vec![("dtype", DType::Float.into())], "");
        assert_eq!(pack, "float[2] 1 2");
        assert!(
            array
                .call("TensorArrayUnpack", vec![], "float[1] 1")
                .contains("equal to the array size (1 vs. 2)")
        );
    }
}
