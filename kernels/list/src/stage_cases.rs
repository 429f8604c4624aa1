//! Calls of the operators that share one staging area, as text.

use std::rc::Rc;

use savedmodel_op::ResourceManager;
use savedmodel_op::testing::{OpTest, parse_tensor, show};
use savedmodel_tensor::DType;

/// A staging area, and the dtypes that operators are told it has.
pub(crate) struct Staged {
    dtypes: Vec<DType>,
    attrs: Vec<(String, i64)>,
    resources: Rc<ResourceManager>,
}

impl Staged {
    /// A new area of these dtypes, with these attributes.
    pub fn new(dtypes: &str, attrs: &[(&str, i64)]) -> Staged {
        let attrs = attrs.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        Staged { dtypes: parse(dtypes), attrs, resources: Rc::default() }
    }

    /// The same area, by operators of other dtypes.
    pub fn of(&self, dtypes: &str) -> Staged {
        Staged { dtypes: parse(dtypes), attrs: self.attrs.clone(), resources: Rc::clone(&self.resources) }
    }

    /// What an operator answers.
    pub fn call(&self, name: &str, inputs: &str) -> String {
        let op = crate::OPS.iter().copied().flatten().find(|op| op.name == name).unwrap();
        let test = OpTest::new(op).resources(&self.resources).attr("shared_name", "area");
        let test = self.attrs.iter().fold(test, |test, (name, value)| test.attr(name, *value));
        let test = if name == "Stage" { test } else { test.attr("dtypes", self.dtypes.clone()) };
        let inputs = inputs.split(';').map(str::trim).filter(|text| !text.is_empty());
        show(&inputs.fold(test, |test, text| test.input(parse_tensor(text))).run())
    }
}

fn parse(dtypes: &str) -> Vec<DType> {
    dtypes.split(' ').map(|name| DType::from_name(name).unwrap()).collect()
}
