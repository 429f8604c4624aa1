//! `BarrierClose`, `BarrierReadySize` and `BarrierIncompleteSize`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Tensor};

use crate::barrier::Barrier;

/// They close a barrier for new keys, and tell how many values are complete and how many are not.
///
/// Those that are incomplete may still be completed, unless closing cancels them.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BarrierClose>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BarrierReadySize>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BarrierIncompleteSize>
pub const OPS: &[Op] = &[
    Op {
        name: "BarrierClose",
        outputs: &[],
        attrs: &["cancel_pending_enqueues: bool = false"],
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::one(build_close),
        ..SIZE
    },
    Op { name: "BarrierReadySize", ..SIZE },
    Op { name: "BarrierIncompleteSize", ..SIZE },
];

const SIZE: Op = Op {
    name: "",
    inputs: &["handle: Ref(string)"],
    outputs: &["size: int32"],
    attrs: &[],
    effect: Effect::Read,
    shape: shape::scalar,
    kernels: Kernels::one(build_size),
};

fn build_close(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let cancels: bool = node.attr("cancel_pending_enqueues")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| ctx.resource::<Barrier>(0)?.close(cancels)))
}

fn build_size(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let size = match node.op {
        "BarrierReadySize" => Barrier::ready_size,
        _ => Barrier::incomplete_size,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let size = size(ctx.resource::<Barrier>(0)?);
        ctx.set(0, Tensor::scalar(size as i32));
        Ok(())
    }))
}

#[cfg(test)]
pub(crate) mod cases {
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::{OpTest, TestAttr, parse_tensor, show};
    use savedmodel_tensor::{DType, PartialShape, Tensor};

    /// A barrier of pairs of two floats and a string, and what operators answer to it.
    pub(crate) struct Parts {
        handle: Tensor,
        resources: ResourceManager,
    }

    impl Parts {
        pub(crate) fn new() -> Parts {
            let resources = ResourceManager::new();
            let test = OpTest::new(&crate::barrier::OP).resources(&resources).attr("shared_name", "b");
            let test = test.attr("component_types", vec![DType::Float, DType::String]);
            let test = test.attr("shapes", vec![PartialShape::from([2]), PartialShape::from([])]);
            Parts { handle: test.run().unwrap().remove(0), resources }
        }

        pub(crate) fn call(&self, name: &str, attrs: Vec<(&str, TestAttr)>, inputs: &str) -> String {
            let op = crate::OPS.iter().copied().flatten().find(|op| op.name == name).unwrap();
            let test = OpTest::new(op).resources(&self.resources).input(self.handle.clone());
            let test = attrs.into_iter().fold(test, |test, (name, value)| test.attr(name, value));
            let inputs = inputs.split(';').map(str::trim).filter(|text| !text.is_empty());
            show(&inputs.fold(test, |test, text| test.input(parse_tensor(text))).run())
        }

        pub(crate) fn insert(&self, component: i64, inputs: &str) -> String {
            self.call("BarrierInsertMany", vec![("component_index", component.into())], inputs)
        }

        pub(crate) fn take(&self, may_be_less: bool, inputs: &str) -> String {
            let types = ("component_types", vec![DType::Float, DType::String].into());
            self.call("BarrierTakeMany", vec![types, ("allow_small_batch", may_be_less.into())], inputs)
        }

        /// How many values are complete, and how many are not.
        pub(crate) fn sizes(&self) -> String {
            let size = |name| self.call(name, vec![], "").replace("int32[] ", "");
            format!("{} {}", size("BarrierReadySize"), size("BarrierIncompleteSize"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cases::Parts;

    #[test]
    fn cancelled_once() {
        let parts = Parts::new();
        let close =
            |cancels: bool| parts.call("BarrierClose", vec![("cancel_pending_enqueues", cancels.into())], "");
        parts.insert(0, "string[1] 'a'; float[1,2] 1 2");
        assert_eq!(close(false), "");
        assert_eq!(close(false), "CANCELLED: Barrier 'b' is already closed.");
        assert_eq!(parts.sizes(), "0 1");
        assert_eq!(close(true), "");
        assert_eq!(parts.sizes(), "0 0");
        assert_eq!(close(true), "CANCELLED: Barrier 'b' is already closed.");
        assert!(
            parts.insert(1, "string[1] 'a'; string[1] 'A'").starts_with("CANCELLED: Barrier b is closed.")
        );
        assert!(parts.take(false, "int32[] 0").starts_with("OUT_OF_RANGE: Barrier 'b' is closed"));
    }
}
