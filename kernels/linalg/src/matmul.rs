//! See [`OP`].

use savedmodel_op::{Effect, Op, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, bf16, f16};

use crate::batch_matmul::{Rule, build, shape};

/// Multiplies two matrices.
///
/// A constant `b` is packed when the kernel is made. Half and bfloat16 accumulate in single precision; integers wrap.
/// With an empty inner dimension the product is zero.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatMul>
pub const OP: Op = Op {
    name: "MatMul",
    inputs: &["a: T", "b: T"],
    outputs: &["product: T"],
    attrs: &[
        "transpose_a: bool = false",
        "transpose_b: bool = false",
        "T: {bfloat16, half, float, double, int32, int64, uint8, uint16, uint32, uint64, complex64, complex128}",
        "grad_a: bool = false",
        "grad_b: bool = false",
    ],
    effect: Effect::Pure,
    shape: |ctx| shape(ctx, &Rule::MATMUL),
    kernels: by_dtype!("T"; matmul: f32 f64 f16 bf16 i32 i64 Complex32 Complex64),
};

fn matmul<T: crate::product::Product>(
    node: &savedmodel_op::Construction<'_>,
) -> savedmodel_tensor::Result<Box<dyn savedmodel_op::Kernel>> {
    build::<T>(node, &Rule::MATMUL)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("MatMul", "", "float[2,3] 1 2 3 4 5 6; float[3,1] 1 0 -1", "float[2,1] -2 -2"),
                ("MatMul", "transpose_a=true", "int32[2,1] 1 2; int32[2,2] 1 2 3 4", "int32[1,2] 7 10"),
                ("MatMul", "transpose_b=true", "double[1,2] 1 2; double[2,2] 1 2 3 4", "double[1,2] 5 11"),
                (
                    "MatMul",
                    "transpose_a=true transpose_b=true grad_a=true",
                    "half[2,1] 1 2; half[3,2] 1 2 3 4 5 6",
                    "half[1,3] 5 11 17",
                ),
                ("MatMul", "", "bfloat16[1,2] 256 1; bfloat16[2,1] 1 1", "bfloat16[1,1] 256"),
                (
                    "MatMul",
                    "transpose_a=true",
                    "complex64[1,1] 0+1i; complex64[1,1] 0+1i",
                    "complex64[1,1] -1+0i",
                ),
                ("MatMul", "", "int32[1,1] 65536; int32[1,1] 65536", "int32[1,1] 0"),
                ("MatMul", "", "float[2,0]; float[0,2]", "float[2,2] 0 0 0 0"),
                ("MatMul", "", "float[0,3]; float[3,2] 1 2 3 4 5 6", "float[0,2]"),
                (
                    "MatMul",
                    "",
                    "float[1,3] 1 2 3; float[2,1] 1 2",
                    "INVALID_ARGUMENT: Matrix size-incompatible: In[0]: [1,3], In[1]: [2,1]",
                ),
                (
                    "MatMul",
                    "",
                    "float[3] 1 2 3; float[3,1] 1 2 3",
                    "INVALID_ARGUMENT: In[0] and In[1] has different ndims: [3] vs. [3,1]",
                ),
                (
                    "MatMul",
                    "",
                    "float[1,1,1] 1; float[1,1,1] 1",
                    "INVALID_ARGUMENT: In[0] and In[1] ndims must be == 2: 3",
                ),
            ],
        );
    }
}
