//! `TensorArrayConcatV3` and its older forms.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::dtypes::JOINED;
use crate::tensor_array::TensorArray;
use crate::tensor_array_gather::read_all;
use crate::tensor_list::{stacked, write_all};

/// Joins all elements of an array along their first dimension, and tells how long each is.
///
/// An array without elements needs a known `element_shape_except0`.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArrayConcatV3>
pub const OPS: &[Op] = &[
    concat("TensorArrayConcatV3", &["handle: resource", "flow_in: float"]),
    concat("TensorArrayConcatV2", &["handle: string", "flow_in: float"]),
    concat("TensorArrayConcat", &["handle: Ref(string)", "flow_in: float"]),
];

const fn concat(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["value: dtype", "lengths: int64"],
        attrs: &["dtype: type", "element_shape_except0: shape = { unknown_rank: true }"],
        effect: Effect::Read,
        shape,
        kernels: Kernels::All(&[("dtype", JOINED)], build),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rest = ctx.attr("element_shape_except0").unwrap_or_default();
    Ok(vec![stacked(None, &rest), PartialShape::of_rank(1)])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    let rest: PartialShape = node.attr("element_shape_except0")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let array = TensorArray::of(ctx, 0)?;
        array.check_read(dtype)?;
        let values = read_all(&array, ctx)?;
        let mut shape = common_rest(&values, &rest)?;
        let lengths: Vec<i64> = values.iter().map(|value| value.shape()[0] as i64).collect();
        shape.insert(0, lengths.iter().sum::<i64>() as usize);
        let mut output = ctx.allocate(dtype, shape)?;
        write_all(&mut output, values.iter().map(|value| (Some(value), value.elements())))?;
        ctx.set(0, output);
        ctx.set(1, Tensor::from_vec([lengths.len()], lengths)?);
        Ok(())
    }))
}

/// All dimensions but the first, which must be the same for all values.
fn common_rest(values: &[Tensor], rest: &PartialShape) -> Result<Shape> {
    let mut common: Option<Shape> = None;
    for (i, value) in values.iter().enumerate() {
        let Some((_, dims)) = value.shape().split_first() else {
            return Err(Error::invalid_argument(format!(
                "Concat saw a scalar shape at index {i} but requires at least vectors.  Did you mean to call pack?"
            )));
        };
        let dims = Shape::from(dims);
        if i == 0 && !rest.accepts(&dims) {
            return Err(Error::invalid_argument(format!(
                "TensorArray was passed element_shape_except0 {rest} but index 0 has (excepting dimension 0) shape: \
                 {dims} which does not match."
            )));
        }
        let first = common.get_or_insert_with(|| dims.clone());
        if *first != dims {
            return Err(Error::invalid_argument(format!(
                "TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) shape: {first} but index \
                 {i} has (excepting dimension 0) shape: {dims}"
            )));
        }
    }
    common.or_else(|| rest.known()).ok_or_else(|| {
        Error::unimplemented(format!(
            "TensorArray has size zero, but element_shape_except0 {rest} is not fully defined. Currently only static \
             shapes are supported when concatenating zero-size TensorArrays."
        ))
    })
}

#[cfg(test)]
mod tests {
    use crate::array_cases::Array;
    use savedmodel_tensor::{DType, PartialShape};

    #[test]
    fn table() {
        let check = |values: &[&str], rest: PartialShape, want: &str| {
            let array = Array::of(values.len() as i32, vec![]);
            values.iter().enumerate().for_each(|(i, value)| array.write(i as i32, value));
            let attrs = vec![("dtype", DType::Float.into()), ("element_shape_except0", rest.into())];
            let got = array.call("TensorArrayConcatV3", attrs, "");
            assert!(got.contains(want), "{values:?}: {got}");
        };
        let any = PartialShape::unknown;
        check(&["float[1] 1", "float[0]", "float[2] 2 3"], any(), "float[3] 1 2 3; int64[3] 1 0 2");
        check(&[], PartialShape::from([2]), "float[0,2]; int64[0]");
        check(&[], any(), "UNIMPLEMENTED: TensorArray has size zero, but element_shape_except0 <unknown>");
        check(&["float[] 1"], any(), "Concat saw a scalar shape at index 0");
        check(&["float[1,1] 1"], PartialShape::from([2]), "element_shape_except0 [2] but index 0 has");
        check(
            &["float[1] 1", "float[1,1] 1"],
            any(),
            "shape: [] but index 1 has (excepting dimension 0) shape: [1]",
        );
    }
}
