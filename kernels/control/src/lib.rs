//! Control flow, function calls, placeholders, and what tells of a run: assertions, prints, summaries.
//!
//! What decides which other operators run (`If`, `While`, `Switch` …) is declared here and run by the runtime
//! itself; there is no kernel for it. Start reading at [`OPS`].
#![forbid(unsafe_code)]

mod assert;
mod batch_function;
mod branches;
mod calls;
mod collective;
mod debug_identity;
mod debug_numeric_summary;
mod device_index;
mod fake_param;
mod flow;
mod for_loop;
mod histogram_summary;
mod merge_summary;
mod no_op;
mod numbers;
mod placeholder;
mod print;
mod print_v2;
mod scalar_summary;
mod sharding;
mod summary;
mod tensor_summary;
mod timestamp;
pub mod wire;

use savedmodel_op::Op;

/// The operators of this family.
pub static OPS: &[&[Op]] = &[
    branches::OPS,
    calls::OPS,
    collective::OPS,
    debug_identity::OPS,
    debug_numeric_summary::OPS,
    flow::OPS,
    no_op::OPS,
    placeholder::OPS,
    sharding::OPS,
    tensor_summary::OPS,
    &[
        assert::OP,
        batch_function::OP,
        device_index::OP,
        fake_param::OP,
        for_loop::OP,
        histogram_summary::OP,
        merge_summary::OP,
        print::OP,
        print_v2::OP,
        scalar_summary::OP,
        timestamp::OP,
    ],
];

pub use histogram_summary::histogram;
pub use numbers::numbers;
pub use summary::summarize;
