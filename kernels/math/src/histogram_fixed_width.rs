//! `HistogramFixedWidth`.

use num_traits::AsPrimitive;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Tensor};

/// How many values lie in each of `nbins` bins of equal width between the two elements of `value_range`.
///
/// Values outside of the range count in the first or last bin.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/HistogramFixedWidth`.
pub const OP: Op = Op {
    name: "HistogramFixedWidth",
    inputs: &["values: T", "value_range: T", "nbins: int32"],
    outputs: &["out: dtype"],
    attrs: &["T: {int32, int64, float, double}", "dtype: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 i32 i64),
};

/// A number that falls into a bin.
trait Number: Element + PartialOrd + AsPrimitive<f64> + std::fmt::Display {
    fn minus(self, other: Self) -> Self;
}

macro_rules! number {
    ($($t:ty: |$a:ident, $b:ident| $minus:expr;)+) => {
        $(impl Number for $t {
            fn minus(self, other: $t) -> $t {
                let ($a, $b) = (self, other);
                $minus
            }
        })+
    };
}

number! {
    f32: |a, b| a - b;
    f64: |a, b| a - b;
    i32: |a, b| a.wrapping_sub(b);
    i64: |a, b| a.wrapping_sub(b);
}

fn build<T: Number>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [low, high] = range::<T>(ctx.input(1))?;
        let bins = bins(ctx.input(2))?;
        let values = ctx.input(0).as_slice::<T>()?;
        if values.iter().any(|value| value.partial_cmp(value).is_none()) {
            return Err(Error::invalid_argument("Histogram values must not contain NaN"));
        }
        let step = AsPrimitive::<f64>::as_(high.minus(low)) / bins as f64;
        let mut out = ctx.run().allocate(DType::Int64, [bins])?;
        let counts = out.as_mut_slice::<i64>()?;
        for &value in values {
            let above = if value < low { low } else { value }.minus(low);
            counts[((above.as_() / step) as usize).min(bins - 1)] += 1;
        }
        if dtype == DType::Int32 {
            let counts: Vec<i32> = counts.iter().map(|&count| count as i32).collect();
            out = Tensor::from_vec([bins], counts)?;
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn range<T: Number>(range: &Tensor) -> Result<[T; 2]> {
    let &[low, high] = range.as_slice::<T>()? else {
        return Err(Error::invalid_argument("value_range should be a vector of 2 elements."));
    };
    if range.rank() != 1 {
        return Err(Error::invalid_argument("value_range should be a vector of 2 elements."));
    }
    if low < high {
        return Ok([low, high]);
    }
    Err(Error::invalid_argument(format!(
        "value_range should satisfy value_range[0] < value_range[1], but got '[{low}, {high}]'"
    )))
}

fn bins(bins: &Tensor) -> Result<usize> {
    if bins.rank() != 0 {
        return Err(Error::invalid_argument("nbins should be a scalar."));
    }
    let bins = bins.to_i64s()?[0];
    match usize::try_from(bins) {
        Ok(bins) if bins > 0 => Ok(bins),
        _ => Err(Error::invalid_argument(format!("nbins should be a positive number, but got '{bins}'"))),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::new([ctx.value(2).map(bins).transpose()?])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_op::testing::OpTest;

    fn vector<T: Element>(v: &[T]) -> Tensor {
        Tensor::from_slice([v.len()], v).unwrap()
    }

    fn histogram() -> OpTest<'static> {
        op(&[OP], "HistogramFixedWidth")
    }

    #[test]
    fn values() {
        let range = vector(&[0.0_f32, 5.0]);
        let five = Tensor::scalar(5);
        let x = vector(&[-1.0, 0.0, 1.5, 2.0, 5.0, 15.0, f32::INFINITY]);
        check(histogram(), [x, range.clone(), five.clone()], vector(&[2, 1, 1, 0, 3]));
        check(histogram(), [vector::<f32>(&[]), range, Tensor::scalar(2)], vector(&[0, 0]));
        let wide = histogram().attr("dtype", DType::Int64);
        check(wide, [vector(&[1, 2, 7]), vector(&[0, 5]), five], vector(&[0_i64, 1, 1, 0, 1]));
    }

    #[test]
    fn errors() {
        let fails = |x: f32, range: &[f32], bins: i32, part: &str| {
            error(histogram(), [vector(&[x]), vector(range), Tensor::scalar(bins)], part);
        };
        fails(1.0, &[5.0, 0.0], 5, "value_range[0] < value_range[1], but got '[5, 0]'");
        fails(1.0, &[0.0, 5.0, 6.0], 5, "value_range should be a vector of 2 elements.");
        fails(1.0, &[0.0, 5.0], 0, "nbins should be a positive number, but got '0'");
        fails(f32::NAN, &[0.0, 5.0], 5, "Histogram values must not contain NaN");
    }
}
