//! Loops whose results for denormals TensorFlow's packets and the rest of a tensor differ in; see [`packet`].

use savedmodel_math::packet::{self, Float};

use super::Map;

/// `out[i] = f(x[i])`, a denormal being its own result.
pub fn kept<T: Float>(f: Map<T, T>, x: &[T], out: &mut [T]) {
    f(x, out);
    if any(x) {
        packet::all(x, out, |x| x);
    }
}

/// `out[i] = f(x[i])`, a denormal giving zero in packets and itself in the rest.
pub fn kept_in_rest<T: Float>(f: Map<T, T>, x: &[T], out: &mut [T]) {
    f(x, out);
    if any(x) {
        packet::head(x, out, T::zero);
        packet::rest(x, out, |x| x);
    }
}

/// `out[i] = f(x[i])`, a denormal giving itself in packets and zero in the rest.
pub fn kept_in_packets<T: Float>(f: Map<T, T>, x: &[T], out: &mut [T]) {
    f(x, out);
    if any(x) {
        packet::head(x, out, |x| x);
        packet::rest(x, out, T::zero);
    }
}

/// Whether there are denormals: a loop that is compiled to vector instructions, as the ones that put them right are not.
pub fn any<T: Float>(x: &[T]) -> bool {
    x.iter().fold(false, |any, x| any | x.is_denormal())
}
