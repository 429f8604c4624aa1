//! Lists and arrays of tensors: what loops collect their results in.
//!
//! A [`TensorList`] is an immutable value in a `variant` tensor, changed in place when nobody else holds it. A tensor
//! array is a resource that lives as long as its handle. Start reading at [`OPS`] and [`TensorList`].
#![forbid(unsafe_code)]

mod addition;
#[cfg(test)]
mod array_cases;
#[cfg(test)]
mod cases;
mod dtypes;
mod empty_tensor_list;
mod tensor_array;
mod tensor_array_concat;
mod tensor_array_gather;
mod tensor_array_grad;
mod tensor_array_read;
mod tensor_array_scatter;
mod tensor_array_size;
mod tensor_array_split;
mod tensor_array_v3;
mod tensor_array_write;
mod tensor_list;
mod tensor_list_concat;
mod tensor_list_concat_lists;
mod tensor_list_element_shape;
mod tensor_list_from_tensor;
mod tensor_list_get_item;
mod tensor_list_length;
mod tensor_list_pop_back;
mod tensor_list_push_back;
mod tensor_list_push_back_batch;
mod tensor_list_resize;
mod tensor_list_scatter;
mod tensor_list_set_item;
mod tensor_list_split;
mod tensor_list_stack;

use savedmodel_op::Op;
pub use tensor_list::TensorList;

/// The operators of this family.
pub const OPS: &[&[Op]] = &[
    empty_tensor_list::OPS,
    tensor_array_concat::OPS,
    tensor_array_gather::OPS,
    tensor_array_grad::OPS,
    tensor_array_read::OPS,
    tensor_array_scatter::OPS,
    tensor_array_size::OPS,
    tensor_array_split::OPS,
    tensor_array_v3::OPS,
    tensor_array_write::OPS,
    tensor_list_concat::OPS,
    tensor_list_scatter::OPS,
    tensor_list_stack::OPS,
    &[
        tensor_list_concat_lists::OP,
        tensor_list_element_shape::OP,
        tensor_list_from_tensor::OP,
        tensor_list_get_item::OP,
        tensor_list_length::OP,
        tensor_list_pop_back::OP,
        tensor_list_push_back::OP,
        tensor_list_push_back_batch::OP,
        tensor_list_resize::OP,
        tensor_list_set_item::OP,
        tensor_list_split::OP,
    ],
];
