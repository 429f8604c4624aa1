//! `TensorArrayGatherV3`, its older forms, and `TensorArrayPack`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::dtypes::STACKED;
use crate::tensor_array::TensorArray;
use crate::tensor_list::{stacked, write_all, zeros};

/// Stacks elements of an array, or all of them, along a new first dimension; they must have one shape.
///
/// No elements at all need a known `element_shape`; what the array itself knows is not asked then.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArrayGatherV3>
pub const OPS: &[Op] = &[
    gather("TensorArrayGatherV3", &["handle: resource", "indices: int32", "flow_in: float"]),
    gather("TensorArrayGatherV2", &["handle: string", "indices: int32", "flow_in: float"]),
    gather("TensorArrayGather", &["handle: Ref(string)", "indices: int32", "flow_in: float"]),
    gather("TensorArrayPack", &["handle: Ref(string)", "flow_in: float"]),
];

const fn gather(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["value: dtype"],
        attrs: &["dtype: type", "element_shape: shape = { unknown_rank: true }"],
        effect: Effect::Read,
        shape,
        kernels: Kernels::All(&[("dtype", STACKED)], build),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let count = if ctx.inputs.len() == 3 { ctx.input(1).dim(0) } else { None };
    Ok(vec![stacked(count, &ctx.attr("element_shape").unwrap_or_default())])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    let shape: PartialShape = node.attr("element_shape")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let array = TensorArray::of(ctx, 0)?;
        array.check_read(dtype)?;
        array.merge_shape(&shape)?;
        let values = match ctx.input_len() {
            3.. => {
                let indices = ctx.input(1);
                if indices.rank() != 1 {
                    return Err(Error::invalid_argument(format!(
                        "Expected indices to be a vector, but received shape: {}",
                        indices.shape()
                    )));
                }
                indices.as_slice()?.iter().map(|&i| array.read(i, &ctx.run())).collect::<Result<Vec<_>>>()?
            }
            _ => read_all(&array, ctx)?,
        };
        let output = stack(ctx, dtype, &shape, &values)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// Reads all elements.
pub(crate) fn read_all(array: &TensorArray, ctx: &Context<'_>) -> Result<Vec<Tensor>> {
    let size = i32::try_from(array.size()?).unwrap_or(i32::MAX);
    (0..size).map(|i| array.read(i, &ctx.run())).collect()
}

fn stack(ctx: &Context<'_>, dtype: DType, shape: &PartialShape, values: &[Tensor]) -> Result<Tensor> {
    let Some(first) = values.first() else {
        let mut shape = shape.known().ok_or_else(|| {
            Error::unimplemented(format!(
                "TensorArray has size zero, but element shape {shape} is not fully defined. Currently only static \
                 shapes are supported when packing zero-size TensorArrays."
            ))
        })?;
        shape.insert(0, 0);
        return zeros(dtype, shape, &ctx.run());
    };
    let shape = first.shape();
    if let Some((i, other)) = values.iter().enumerate().find(|(_, value)| value.shape() != shape) {
        return Err(Error::invalid_argument(format!(
            "TensorArray has inconsistent shapes.  Index 0 has shape: {shape} but index {i} has shape: {}",
            other.shape()
        )));
    }
    let mut all: Shape = shape.clone();
    all.insert(0, values.len());
    let mut output = ctx.allocate(dtype, all)?;
    write_all(&mut output, values.iter().map(|value| (Some(value), shape.elements())))?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use crate::array_cases::Array;
    use savedmodel_tensor::{DType, PartialShape};

    #[test]
    fn table() {
        let check = |array: &Array, shape: PartialShape, indices: &str, want: &str| {
            let attrs = vec![("dtype", DType::Float.into()), ("element_shape", shape.into())];
            let got = array.call("TensorArrayGatherV3", attrs, indices);
            assert!(got.contains(want), "{indices}: {got}");
        };
        let any = PartialShape::unknown;
        let array = Array::of(3, vec![("clear_after_read", false.into())]);
        array.write(2, "float[2] 5 6");
        array.write(0, "float[2] 1 2");
        check(&array, any(), "int32[3] 2 0 2", "float[3,2] 5 6 1 2 5 6");
        check(&array, any(), "int32[1] 3", "Tried to read from index 3 but array size is: 3");
        check(&array, any(), "int32[1,1] 0", "Expected indices to be a vector, but received shape: [1,1]");
        check(
            &array,
            any(),
            "int32[0]",
            "UNIMPLEMENTED: TensorArray has size zero, but element shape <unknown>",
        );
        array.write(1, "float[1] 7");
        check(&array, any(), "int32[2] 0 1", "Index 0 has shape: [2] but index 1 has shape: [1]");
        check(&array, PartialShape::from([2]), "int32[0]", "float[0,2]");
        check(&array, PartialShape::from([3]), "int32[1] 0", "Incompatible shapes during merge: [2] vs. [3]");
    }
}
