//! Calls of operators on one array, with results as text.

use savedmodel_op::testing::{OpTest, TestAttr, parse_tensor, show};
use savedmodel_op::{Op, ResourceManager};
use savedmodel_tensor::{DType, Result, Tensor};

/// An array of floats and the session that it lives in.
pub(crate) struct Array {
    handle: Tensor,
    resources: ResourceManager,
}

type Attrs = Vec<(&'static str, TestAttr)>;

fn op(name: &str) -> &'static Op {
    crate::OPS
        .iter()
        .copied()
        .flatten()
        .find(|op| op.name == name)
        .unwrap_or_else(|| panic!("no operator {name}"))
}

impl Array {
    /// An array of `size` floats, made by `creator`.
    pub(crate) fn new(creator: &str, size: i32, attrs: Attrs) -> Result<Array> {
        let resources = ResourceManager::new();
        let test = OpTest::new(op(creator)).resources(&resources).attr("dtype", DType::Float);
        let test = attrs.into_iter().fold(test, |test, (name, value)| test.attr(name, value));
        let handle = test.input(Tensor::scalar(size)).run()?.remove(0);
        Ok(Array { handle, resources })
    }

    /// An array of `size` floats.
    pub(crate) fn of(size: i32, attrs: Attrs) -> Array {
        Array::new("TensorArrayV3", size, attrs).unwrap()
    }

    /// What an operator answers to this array and other inputs; a flow is given where it takes one.
    pub(crate) fn call(&self, name: &str, attrs: Attrs, inputs: &str) -> String {
        let op = op(name);
        let test = OpTest::new(op).resources(&self.resources).input(self.handle.clone());
        let test = attrs.into_iter().fold(test, |test, (name, value)| test.attr(name, value));
        let inputs: Vec<&str> = inputs.split(';').map(str::trim).filter(|t| !t.is_empty()).collect();
        let given = 1 + inputs.len();
        let test = inputs.into_iter().fold(test, |test, text| test.input(parse_tensor(text)));
        let test = if given < op.inputs.len() { test.input(Tensor::scalar(0.0_f32)) } else { test };
        show(&test.run())
    }

    /// The array of gradients of this one.
    pub(crate) fn gradient(self, source: &'static str) -> Array {
        let test = OpTest::new(op("TensorArrayGradV3")).input(self.handle).input(Tensor::scalar(0.0_f32));
        let handle = test.attr("source", source).run().unwrap().remove(0);
        Array { handle, resources: self.resources }
    }

    /// Writes and expects no error.
    pub(crate) fn write(&self, index: i32, value: &str) {
        let flow = self.call("TensorArrayWriteV3", vec![], &format!("int32[] {index}; {value}"));
        assert_eq!(flow, "float[] 0");
    }
}
