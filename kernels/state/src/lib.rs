//! Variables: those of V1 graphs, which are references, and resource variables.
//!
//! Both kinds are a [`Variable`](savedmodel_op::Variable) behind a handle; an operator that is declared to take a
//! reference gets the handle, any other gets the value that the variable has when the operator runs. Start reading
//! at [`OPS`].
#![forbid(unsafe_code)]

mod apply_gradient_descent;
mod arithmetic;
mod assign;
mod assign_update;
mod count_up_to;
mod destroy_resource;
mod handles;
mod is_initialized;
mod read_variable;
mod ref_identity;
mod ref_select;
mod resource_gather;
mod scatter;
mod scatter_nd_update;
mod scatter_update;
mod session_tensors;
mod strided_slice_assign;
mod temporary_variable;
mod update;
mod variable_shape;

use savedmodel_op::Op;

/// The operators of this family.
pub static OPS: &[&[Op]] = &[
    &[destroy_resource::OP, ref_identity::OP, ref_select::OP, variable_shape::OP],
    assign::OPS,
    assign_update::OPS,
    handles::OPS,
    is_initialized::OPS,
    read_variable::OPS,
    resource_gather::OPS,
    apply_gradient_descent::OPS,
    count_up_to::OPS,
    scatter_nd_update::OPS,
    scatter_update::OPS,
    session_tensors::OPS,
    strided_slice_assign::OPS,
    temporary_variable::OPS,
];
