//! Lists, arrays, stacks, queues and maps of tensors: what loops collect their results in, and old input pipelines.
//!
//! A [`TensorList`] or [`TensorMap`] is an immutable value in a `variant` tensor, changed in place when nobody else holds
//! it. Tensor arrays and stacks are resources that live as long as their handles; queues belong to the session. Start
//! reading at [`OPS`] and [`TensorList`].
#![forbid(unsafe_code)]

#[cfg(test)]
mod array_cases;
mod barrier;
mod barrier_close;
mod barrier_insert_many;
mod barrier_take_many;
#[cfg(test)]
mod cases;
mod composite_tensor_variant;
mod compress_element;
mod dtypes;
mod empty_tensor_list;
mod empty_tensor_map;
mod fifo_queue;
mod fused_gru_loop;
mod fused_lstm_loop;
mod map_stage;
mod padding_fifo_queue;
mod priority_queue;
mod queue;
mod queue_close;
mod queue_dequeue;
mod queue_enqueue;
mod queue_kind;
mod random_shuffle_queue;
mod recurrent;
pub mod rows;
mod stack;
mod stage;
#[cfg(test)]
mod stage_cases;
mod staging;
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
mod tensor_map;
mod tensor_map_erase;
mod tensor_map_has_key;
mod tensor_map_insert;
mod tensor_map_lookup;
mod tensor_map_size;
mod tensor_map_stack_keys;

pub use queue::{Queue, Wanted};
use savedmodel_op::Op;
pub use tensor_list::TensorList;
pub use tensor_map::{Key, TensorMap};

/// The operators of this family.
pub static OPS: &[&[Op]] = &[
    barrier_close::OPS,
    composite_tensor_variant::OPS,
    compress_element::OPS,
    empty_tensor_list::OPS,
    fifo_queue::OPS,
    map_stage::OPS,
    padding_fifo_queue::OPS,
    priority_queue::OPS,
    queue_close::OPS,
    queue_dequeue::OPS,
    queue_enqueue::OPS,
    random_shuffle_queue::OPS,
    stack::OPS,
    stage::OPS,
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
        barrier::OP,
        barrier_insert_many::OP,
        barrier_take_many::OP,
        empty_tensor_map::OP,
        fused_gru_loop::OP,
        fused_lstm_loop::OP,
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
        tensor_map_erase::OP,
        tensor_map_has_key::OP,
        tensor_map_insert::OP,
        tensor_map_lookup::OP,
        tensor_map_size::OP,
        tensor_map_stack_keys::OP,
    ],
];
