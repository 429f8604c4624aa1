//! The check that inputs of an operator have the dtypes of the table.

use savedmodel_tensor::{DType, Error, Result};

use super::Table;

/// An input or output that must have the dtype of the table's keys or values.
#[derive(Clone, Copy, Debug)]
pub enum Argument {
    /// Keys.
    Key(DType),
    /// Values.
    Value(DType),
}

/// Checks the dtypes of what an operator takes (besides the handle) and gives.
///
/// # Errors
/// `INVALID_ARGUMENT` when one is not the table's.
pub fn check_signature(table: &Table, is_ref: bool, inputs: &[Argument], outputs: &[Argument]) -> Result<()> {
    let have = |argument: &Argument| match *argument {
        Argument::Key(dtype) | Argument::Value(dtype) => dtype,
    };
    let expected = |argument: &Argument| match argument {
        Argument::Key(_) => table.key_dtype(),
        Argument::Value(_) => table.value_dtype(),
    };
    if inputs.iter().chain(outputs).all(|argument| have(argument) == expected(argument)) {
        return Ok(());
    }
    let handle = if is_ref { "string_ref" } else { "resource" };
    let list = |dtype: &dyn Fn(&Argument) -> DType| {
        let names = |arguments: &[Argument]| -> Vec<String> {
            arguments.iter().map(|argument| dtype(argument).to_string()).collect()
        };
        let inputs = [vec![handle.to_owned()], names(inputs)].concat();
        format!("{}->{}", inputs.join(", "), names(outputs).join(", "))
    };
    Err(Error::invalid_argument(format!(
        "Signature mismatch, have: {} expected: {}",
        list(&have),
        list(&expected)
    )))
}
