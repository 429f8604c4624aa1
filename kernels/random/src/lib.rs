//! Random numbers, bit for bit as TensorFlow draws them.
//!
//! All bits come from one generator (`philox`), a function of key and counter; `distribution` turns them into numbers.
//! Four generations of operators differ only in where key and counter come from (`source`). Start reading at [`OPS`].
#![forbid(unsafe_code)]

mod alias;
mod arguments;
mod broadcast;
mod candidate_sampler;
mod distribution;
mod draws;
pub mod generator;
mod multinomial;
mod non_deterministic_ints;
mod parameterized_truncated_normal;
pub mod philox;
mod random_binomial;
mod random_crop;
mod random_gamma;
mod random_index_shuffle;
mod random_int;
mod random_poisson;
mod random_real;
mod random_shuffle;
mod rng_skip;
mod sample_distorted_bounding_box;
mod skipgram;
mod source;
mod stateless_random_get_key_counter;
mod stochastic_cast_to_int;
mod truncation;

use savedmodel_op::Op;

/// The operators of this family.
pub static OPS: &[&[Op]] = &[
    candidate_sampler::OPS,
    multinomial::OPS,
    parameterized_truncated_normal::OPS,
    random_binomial::OPS,
    random_gamma::OPS,
    random_int::OPS,
    random_poisson::OPS,
    random_real::OPS,
    random_shuffle::OPS,
    rng_skip::OPS,
    sample_distorted_bounding_box::OPS,
    stateless_random_get_key_counter::OPS,
    &[
        non_deterministic_ints::OP,
        random_crop::OP,
        random_index_shuffle::OP,
        skipgram::OP,
        stochastic_cast_to_int::OP,
    ],
];
