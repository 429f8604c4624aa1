//! Changing variables, by reference and by handle.

use savedmodel_op::{Context, Variable};
use savedmodel_tensor::{Error, Result, Tensor};

/// The variable that input 0 is a resource handle of, with a value.
///
/// # Errors
/// `NOT_FOUND` when it has none: TensorFlow makes a variable when it is first assigned.
pub(crate) fn existing<'a>(ctx: &'a Context<'_>) -> Result<&'a Variable> {
    let variable = ctx.variable(0)?;
    if variable.is_initialized() {
        return Ok(variable);
    }
    Err(Error::not_found(format!(
        "Container localhost does not exist. (Could not find resource: localhost/{})",
        variable.name()
    )))
}

/// Changes the value of the variable that input 0 points to; a reference, as the output, is passed on.
///
/// # Errors
/// `FAILED_PRECONDITION` for a reference, `NOT_FOUND` for a resource without a value; those of `change`, which must
/// check all it can before it writes.
pub(crate) fn update(
    ctx: &mut Context<'_>,
    change: impl FnOnce(&Context<'_>, &mut Tensor) -> Result<()>,
) -> Result<()> {
    let is_reference = ctx.output_len() == 1;
    let variable = if is_reference { ctx.variable(0)? } else { existing(ctx)? };
    variable.update(|value| change(ctx, value))?;
    if is_reference {
        let reference = ctx.take(0);
        ctx.set(0, reference);
    }
    Ok(())
}
