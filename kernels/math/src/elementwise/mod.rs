//! Element-wise operators: a loop over slices per operator and dtype, and one driver for all of them.
//!
//! A loop, [`Map`] or [`Zip`], knows nothing but contiguous slices of equal length. The drivers [`map`] and [`zip`]
//! bring it what it needs: blocks of operands that broadcast, tasks for several threads, and the memory of an input
//! that nothing reads any more. Operators that differ by their scalar function alone are rows of tables that are
//! written with [`map_kernels!`] and [`zip_kernels!`].
//!
//! Only the innermost loop is compiled per operator and dtype, for all instruction sets in the dtypes that models
//! mostly compute in, for the baseline in the others; everything around it is compiled per dtype.

pub mod broadcast;
pub mod denormal;
pub mod loops;
pub mod map;
pub mod narrow;
pub mod tasks;
pub mod zip;

/// `out[i] = f(x[i])` for slices of equal length.
pub type Map<T, U> = fn(&[T], &mut [U]);

/// `out[i] = f(a[i], b[i])` for slices of equal length.
pub type Zip<T, U> = fn(&[T], &[T], &mut [U]);

/// Elements that drivers copy at a time when a loop can't read an operand where it lies.
pub const BLOCK: usize = 512;

/// Nanoseconds per element of arithmetic that is cheaper than memory.
pub const CHEAP: f64 = savedmodel_math::map::CHEAP;

/// A table of kernels of one tensor by dtype, made of groups of functions of an element.
///
/// `map_kernels!("T", ns; floats |x| -x, each [i32 i64] |x| x.wrapping_neg())`, where `ns` is the rough cost of an
/// element in nanoseconds and a group is one of
///
/// - `floats f`, first: `f32` and `f64`, and the 16-bit floats through `f32`;
/// - `single f`, first: the same without `f64`;
/// - `hot [types] f`: compiled for every instruction set;
/// - `each [types] f`: compiled for the baseline, for dtypes and operators that are rare or slow anyway;
/// - `narrow [types] f`: 16-bit floats through `f32`;
/// - `slices [types] run`: a [`Map`] instead of a function of an element.
///
/// `map_kernels!("T" => bool, ns; …)` is for functions with another type of result.
macro_rules! map_kernels {
    ($attr:literal $(=> $u:ident)?, $ns:expr; floats $f:expr $(, $how:ident [$($t:ty)+] $g:expr)* $(,)?) => {
        map_kernels!($attr $(=> $u)?, $ns; single $f, each [f64] $f $(, $how [$($t)+] $g)*)
    };
    ($attr:literal, $ns:expr; single $f:expr $(, $how:ident [$($t:ty)+] $g:expr)* $(,)?) => {{
        use $crate::elementwise::{loops, map, narrow};
        const SINGLE: $crate::elementwise::Map<f32, f32> = |x, out| loops::map_hot(x, out, $f);
        ::savedmodel_op::Kernels::ByDType($attr, &[
            (::savedmodel_tensor::DType::Float, |_| map::kernel::<f32>($ns, SINGLE)),
            (::savedmodel_tensor::DType::Half, |_| map::kernel::<::half::f16>($ns, |x, out| narrow::map(SINGLE, x, out))),
            (::savedmodel_tensor::DType::Bfloat16, |_| {
                map::kernel::<::half::bf16>($ns, |x, out| narrow::map(SINGLE, x, out))
            }),
            $($((<$t as ::savedmodel_tensor::Element>::DTYPE, |_| map::kernel::<$t>($ns, map_kernels!(@$how $g))),)+)*
        ])
    }};
    ($attr:literal => $u:ident, $ns:expr; single $f:expr $(, $how:ident [$($t:ty)+] $g:expr)* $(,)?) => {{
        use $crate::elementwise::{loops, map, narrow};
        const SINGLE: $crate::elementwise::Map<f32, $u> = |x, out| loops::map_hot(x, out, $f);
        ::savedmodel_op::Kernels::ByDType($attr, &[
            (::savedmodel_tensor::DType::Float, |_| map::convert::<f32, $u>($ns, SINGLE)),
            (::savedmodel_tensor::DType::Half, |_| {
                map::convert::<::half::f16, $u>($ns, |x, out| narrow::map_to(SINGLE, x, out))
            }),
            (::savedmodel_tensor::DType::Bfloat16, |_| {
                map::convert::<::half::bf16, $u>($ns, |x, out| narrow::map_to(SINGLE, x, out))
            }),
            $($((<$t as ::savedmodel_tensor::Element>::DTYPE, |_| {
                map::convert::<$t, $u>($ns, map_kernels!(@$how $g))
            }),)+)*
        ])
    }};
    ($attr:literal, $ns:expr; $($how:ident [$($t:ty)+] $g:expr),+ $(,)?) => {
        ::savedmodel_op::Kernels::ByDType($attr, &[
            $($((<$t as ::savedmodel_tensor::Element>::DTYPE, |_| {
                $crate::elementwise::map::kernel::<$t>($ns, map_kernels!(@$how $g))
            }),)+)*
        ])
    };
    ($attr:literal => $u:ident, $ns:expr; $($how:ident [$($t:ty)+] $g:expr),+ $(,)?) => {
        ::savedmodel_op::Kernels::ByDType($attr, &[
            $($((<$t as ::savedmodel_tensor::Element>::DTYPE, |_| {
                $crate::elementwise::map::convert::<$t, $u>($ns, map_kernels!(@$how $g))
            }),)+)*
        ])
    };
    (@hot $f:expr) => { |x, out| $crate::elementwise::loops::map_hot(x, out, $f) };
    (@each $f:expr) => { |x, out| $crate::elementwise::loops::map(x, out, $f) };
    (@slices $f:expr) => { $f };
    (@narrow $f:expr) => {
        |x, out| $crate::elementwise::narrow::map(|x, out| $crate::elementwise::loops::map_hot(x, out, $f), x, out)
    };
}
pub(crate) use map_kernels;

/// A table of kernels of two tensors that broadcast, by dtype; written as [`map_kernels!`].
///
/// Any other word before the types is a function that may refuse the second operand: `nonzero [i32] |x, y| x / y`.
macro_rules! zip_kernels {
    ($attr:literal $(=> $u:ident)?, $ns:expr; floats $f:expr $(, $how:ident [$($t:ty)+] $g:expr)* $(,)?) => {
        zip_kernels!($attr $(=> $u)?, $ns; single $f, each [f64] $f $(, $how [$($t)+] $g)*)
    };
    ($attr:literal, $ns:expr; single $f:expr $(, $how:ident [$($t:ty)+] $g:expr)* $(,)?) => {{
        use $crate::elementwise::{loops, narrow, zip};
        const SINGLE: $crate::elementwise::Zip<f32, f32> = |a, b, out| loops::zip_hot(a, b, out, $f);
        ::savedmodel_op::Kernels::ByDType($attr, &[
            (::savedmodel_tensor::DType::Float, |_| zip::kernel::<f32>($ns, SINGLE)),
            (::savedmodel_tensor::DType::Half, |_| {
                zip::kernel::<::half::f16>($ns, |a, b, out| narrow::zip(SINGLE, a, b, out))
            }),
            (::savedmodel_tensor::DType::Bfloat16, |_| {
                zip::kernel::<::half::bf16>($ns, |a, b, out| narrow::zip(SINGLE, a, b, out))
            }),
            $($((<$t as ::savedmodel_tensor::Element>::DTYPE, |_| zip_kernels!(@$how $t, $ns, $g)),)+)*
        ])
    }};
    ($attr:literal => $u:ident, $ns:expr; single $f:expr $(, $how:ident [$($t:ty)+] $g:expr)* $(,)?) => {{
        use $crate::elementwise::{loops, narrow, zip};
        const SINGLE: $crate::elementwise::Zip<f32, $u> = |a, b, out| loops::zip_hot(a, b, out, $f);
        ::savedmodel_op::Kernels::ByDType($attr, &[
            (::savedmodel_tensor::DType::Float, |_| zip::convert::<f32, $u>($ns, SINGLE)),
            (::savedmodel_tensor::DType::Half, |_| {
                zip::convert::<::half::f16, $u>($ns, |a, b, out| narrow::zip_to(SINGLE, a, b, out))
            }),
            (::savedmodel_tensor::DType::Bfloat16, |_| {
                zip::convert::<::half::bf16, $u>($ns, |a, b, out| narrow::zip_to(SINGLE, a, b, out))
            }),
            $($((<$t as ::savedmodel_tensor::Element>::DTYPE, |_| zip_kernels!(@$how $t => $u, $ns, $g)),)+)*
        ])
    }};
    ($attr:literal, $ns:expr; $($how:ident [$($t:ty)+] $g:expr),+ $(,)?) => {
        ::savedmodel_op::Kernels::ByDType($attr, &[
            $($((<$t as ::savedmodel_tensor::Element>::DTYPE, |_| zip_kernels!(@$how $t, $ns, $g)),)+)*
        ])
    };
    (@hot $t:ty, $ns:expr, $f:expr) => {
        $crate::elementwise::zip::kernel::<$t>($ns, |a, b, out| $crate::elementwise::loops::zip_hot(a, b, out, $f))
    };
    (@each $t:ty, $ns:expr, $f:expr) => {
        $crate::elementwise::zip::kernel::<$t>($ns, |a, b, out| $crate::elementwise::loops::zip(a, b, out, $f))
    };
    (@slices $t:ty, $ns:expr, $f:expr) => { $crate::elementwise::zip::kernel::<$t>($ns, $f) };
    (@narrow $t:ty, $ns:expr, $f:expr) => {
        $crate::elementwise::zip::kernel::<$t>($ns, |a, b, out| {
            $crate::elementwise::narrow::zip(|a, b, out| $crate::elementwise::loops::zip_hot(a, b, out, $f), a, b, out)
        })
    };
    (@each $t:ty => $u:ident, $ns:expr, $f:expr) => {
        $crate::elementwise::zip::convert::<$t, $u>($ns, |a, b, out| {
            $crate::elementwise::loops::zip(a, b, out, $f)
        })
    };
    (@hot $t:ty => $u:ident, $ns:expr, $f:expr) => {
        $crate::elementwise::zip::convert::<$t, $u>($ns, |a, b, out| {
            $crate::elementwise::loops::zip_hot(a, b, out, $f)
        })
    };
    (@$check:ident $t:ty, $ns:expr, $f:expr) => {
        $crate::elementwise::zip::checked::<$t>($ns, $check, |a, b, out| {
            $crate::elementwise::loops::zip(a, b, out, $f)
        })
    };
}
pub(crate) use zip_kernels;
