//! `VarHandleOp`, `VariableV2` and `Variable`: where variables come from.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, Variable, shape};
use savedmodel_tensor::{DType, Handle, PartialShape, Result, Tensor};

/// Each gives a handle to a variable of the session, made without a value if there is none of that name.
///
/// Variables are shared by container and `shared_name`, or the node's own name where that is empty. The shared name
/// that TensorFlow gives to anonymous variables makes a new one each time.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/VarHandleOp>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/VariableV2>
pub const OPS: &[Op] = &[
    Op {
        name: "VarHandleOp",
        inputs: &[],
        outputs: &["resource: resource"],
        attrs: &[
            "container: string = ''",
            "shared_name: string = ''",
            "debug_name: string = ''",
            "dtype: type",
            "shape: shape",
            "allowed_devices: list(string) = []",
        ],
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: Kernels::one(build_handle),
    },
    reference("VariableV2"),
    reference("Variable"),
];

const fn reference(name: &'static str) -> Op {
    Op {
        name,
        inputs: &[],
        outputs: &["ref: Ref(dtype)"],
        attrs: &["shape: shape", "dtype: type", "container: string = ''", "shared_name: string = ''"],
        effect: Effect::Handle,
        shape: declared,
        kernels: Kernels::one(build_handle),
    }
}

/// The shared name of variables that are not shared.
const ANONYMOUS: &str = "cd2c89b7-88b7-44c8-ad83-06c2a9158347";

fn declared(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![ctx.attr("shape").unwrap_or_default()])
}

fn build_handle(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (container, shared): (String, String) = (node.attr("container")?, node.attr("shared_name")?);
    let (dtype, shape): (DType, PartialShape) = (node.attr("dtype")?, node.attr("shape")?);
    if shared == ANONYMOUS {
        return Ok(Box::new(move |ctx: &mut Context<'_>| {
            let variable = Variable::new("anonymous", dtype, shape.clone());
            ctx.set(0, Tensor::from_handles([], vec![Handle::new("", "anonymous", variable.into())])?);
            Ok(())
        }));
    }
    let name = if shared.is_empty() { node.name.to_owned() } else { shared };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let make = || Ok(Variable::new(name.clone(), dtype, shape.clone()));
        let handle = ctx.run().resources.handle(&container, &name, make)?;
        ctx.set(0, Tensor::from_handles([], vec![handle])?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn shared_by_name() {
        let resources = ResourceManager::new();
        let call = |op: &'static Op, name: &str| {
            let test = OpTest::new(op).attr("dtype", DType::Float).attr("shape", PartialShape::unknown());
            test.attr("shared_name", name).resources(&resources).run().unwrap()[0].handles().unwrap()[0]
                .clone()
        };
        assert!(call(&OPS[0], "v").same(&call(&OPS[1], "v")));
        assert!(!call(&OPS[0], "v").same(&call(&OPS[0], "w")));
        assert_eq!(call(&OPS[0], "").name(), "test");
        assert!(!call(&OPS[0], ANONYMOUS).same(&call(&OPS[0], ANONYMOUS)));
    }
}
