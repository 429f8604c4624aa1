//! What TensorFlow's own kernels for processors don't take, held against what they do.

use savedmodel_op::testing::OpTest;
use savedmodel_tensor::{Element, Tensor};

use crate::layout::transpose;

/// Small numbers without a pattern.
fn numbers(shape: &[usize]) -> Tensor {
    let n = shape.iter().product::<usize>();
    let values = (0..n as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 28) as i32 - 7).collect();
    Tensor::from_vec(shape, values).unwrap()
}

fn call(op: &str, inputs: &[&Tensor], attrs: &Attrs) -> Tensor {
    let op = crate::OPS.iter().flat_map(|ops| ops.iter()).find(|o| o.name == op).unwrap();
    let test = OpTest::new(op)
        .attr("strides", attrs.place(attrs.stride))
        .attr("dilations", attrs.place(attrs.dilation))
        .attr("padding", attrs.padding)
        .attr("data_format", if attrs.channels_first { "NCHW" } else { "NHWC" });
    inputs.iter().fold(test, |test, &input| test.input(input.clone())).run().unwrap().remove(0)
}

#[derive(Clone, Copy)]
struct Attrs {
    stride: [i64; 2],
    dilation: [i64; 2],
    padding: &'static str,
    channels_first: bool,
}

impl Attrs {
    fn place(&self, [height, width]: [i64; 2]) -> Vec<i64> {
        if self.channels_first { vec![1, 1, height, width] } else { vec![1, height, width, 1] }
    }
}

const CASES: [([i64; 2], [i64; 2], &str); 6] = [
    ([1, 1], [1, 1], "SAME"),
    ([2, 3], [1, 1], "SAME"),
    ([2, 1], [1, 2], "VALID"),
    ([2, 2], [3, 2], "SAME"),
    ([3, 3], [1, 1], "VALID"),
    ([1, 2], [2, 1], "SAME"),
];

fn dot(a: &Tensor, b: &Tensor) -> i64 {
    let pairs = a.as_slice::<i32>().unwrap().iter().zip(b.as_slice::<i32>().unwrap());
    pairs.map(|(&a, &b)| i64::from(a) * i64::from(b)).sum()
}

#[test]
fn gradient_is_the_adjoint() {
    for (stride, dilation, padding) in CASES {
        for (channels, groups) in [(1, 1), (4, 1), (4, 2), (4, 4)] {
            let attrs = Attrs { stride, dilation, padding, channels_first: false };
            let (x, filter) = (numbers(&[2, 9, 8, channels]), numbers(&[3, 2, channels / groups, 8]));
            let y = call("Conv2D", &[&x, &filter], &attrs);
            let g = numbers(y.shape());
            let whole = |t: Tensor| {
                let values = t.as_slice::<f32>().unwrap().iter().map(|&v| v as i32).collect();
                Tensor::from_vec(t.shape(), values).unwrap()
            };
            let sizes: Vec<i32> = x.shape().iter().map(|&d| d as i32).collect();
            let sizes = Tensor::from_vec([4], sizes).unwrap();
            let back = whole(call("Conv2DBackpropInput", &[&sizes, &single(&filter), &single(&g)], &attrs));
            assert_eq!(dot(&y, &g), dot(&x, &back), "{stride:?} {dilation:?} {padding} {channels}/{groups}");
        }
    }
}

/// The same numbers as floats, of which all are kept.
fn single(t: &Tensor) -> Tensor {
    Tensor::from_vec(t.shape(), t.as_slice::<i32>().unwrap().iter().map(|&v| v as f32).collect()).unwrap()
}

fn channels_first<T: Element>(tensor: &Tensor) -> Tensor {
    let &[n, h, w, c] = tensor.shape().dims() else { panic!("rank") };
    let mut out = Tensor::zeros(T::DTYPE, [n, c, h, w]).unwrap();
    transpose(tensor.as_slice::<T>().unwrap(), out.as_mut_slice::<T>().unwrap(), [h * w, c]);
    out
}

#[test]
fn formats_agree() {
    for (stride, dilation, padding) in CASES {
        let last = Attrs { stride, dilation, padding, channels_first: false };
        let first = Attrs { channels_first: true, ..last };
        let (x, filter) = (single(&numbers(&[2, 9, 8, 4])), single(&numbers(&[3, 2, 2, 6])));
        let want = channels_first::<f32>(&call("Conv2D", &[&x, &filter], &last));
        let got = call("Conv2D", &[&channels_first::<f32>(&x), &filter], &first);
        assert_eq!(got.as_slice::<f32>().unwrap(), want.as_slice::<f32>().unwrap());
        assert_eq!(got.shape(), want.shape());
    }
}

#[test]
fn depthwise_agrees_with_groups() {
    for (stride, dilation, padding) in CASES.into_iter().filter(|(stride, ..)| stride[0] == stride[1]) {
        for (channels, multiplier) in [(3, 1), (40, 1), (5, 3), (1, 4)] {
            let attrs = Attrs { stride, dilation, padding, channels_first: false };
            let (x, filter) = (numbers(&[2, 9, 8, channels]), numbers(&[3, 2, channels, multiplier]));
            let grouped = filter.clone().reshape([3, 2, 1, channels * multiplier]).unwrap();
            let want = call("Conv2D", &[&x, &grouped], &attrs);
            let got = call("DepthwiseConv2dNative", &[&single(&x), &single(&filter)], &attrs);
            assert_eq!(got.as_slice::<f32>().unwrap(), single(&want).as_slice::<f32>().unwrap());
            let floats = call("Conv2D", &[&single(&x), &single(&grouped)], &attrs);
            assert_eq!(floats.as_slice::<f32>().unwrap(), got.as_slice::<f32>().unwrap());
        }
    }
}

#[test]
fn what_bfloat16_holds_is_not_rounded() {
    for (channels, groups) in [(1, 1), (3, 1), (4, 1), (5, 1), (7, 1), (6, 2), (10, 2)] {
        for window in [1, 3] {
            let integers = [numbers(&[2, 6, 5, channels]), numbers(&[window, window, channels / groups, 4])];
            let floats = integers.map(|tensor| {
                let values = tensor.as_slice::<i32>().unwrap().iter().map(|&x| x as f32).collect();
                Tensor::from_vec(tensor.shape().clone(), values).unwrap()
            });
            let run = |rounds: bool| {
                let op = crate::OPS.iter().flat_map(|ops| ops.iter()).find(|op| op.name == "Conv2D").unwrap();
                let test = OpTest::new(op).attr("strides", vec![1, 2, 1, 1]).attr("padding", "SAME");
                let test = if rounds { test.attr(savedmodel_op::ROUNDS, true) } else { test };
                let test = test.input(floats[0].clone()).constant(floats[1].clone());
                test.run().unwrap().remove(0).as_slice::<f32>().unwrap().to_vec()
            };
            assert_eq!(run(true), run(false), "{channels} {groups} {window}");
        }
    }
}

/// Windows that hold whole rows, or whole images, against the same under a wider input.
#[test]
fn windows_of_whole_rows() {
    let attrs = Attrs { stride: [1, 1], dilation: [1, 1], padding: "VALID", channels_first: false };
    for (window, channels) in [([3, 4], 1), ([3, 4], 2), ([7, 4], 3), ([1, 4], 1), ([7, 1], 5)] {
        let [height, width] = window;
        let (x, filter) = (numbers(&[2, 7, width, channels]), numbers(&[height, width, channels, 6]));
        let mut wide = vec![0; 2 * 7 * (width + 1) * channels];
        let rows = x.as_slice::<i32>().unwrap().chunks(width * channels);
        wide.chunks_mut((width + 1) * channels)
            .zip(rows)
            .for_each(|(to, from)| to[..from.len()].copy_from_slice(from));
        let wide = Tensor::from_vec([2, 7, width + 1, channels], wide).unwrap();
        let want = call("Conv2D", &[&single(&wide), &single(&filter)], &attrs);
        let got = call("Conv2D", &[&single(&x), &single(&filter)], &attrs);
        let want = want.as_slice::<f32>().unwrap().chunks(2 * 6).flat_map(|pair| &pair[..6]);
        assert!(got.as_slice::<f32>().unwrap().iter().eq(want), "{window:?} {channels}");
    }
}

/// Tiles of outputs share what they add up: a number that is none, or that drowns all others, must not reach outputs whose
/// windows do not hold it.
#[test]
fn wild_cells_stay_in_their_windows() {
    let filter = single(&numbers(&[3, 3, 16, 16]));
    for wild in [f32::NAN, f32::INFINITY, -f32::MAX, 1e30] {
        let mut x = single(&numbers(&[1, 32, 32, 16]));
        x.as_mut_slice::<f32>().unwrap()[(8 * 32 + 9) * 16 + 3] = wild;
        let run = |is_constant: bool| {
            let op = crate::OPS.iter().flat_map(|ops| ops.iter()).find(|op| op.name == "Conv2D").unwrap();
            let test = OpTest::new(op).attr("strides", vec![1, 1, 1, 1]).attr("padding", "SAME");
            let test = test.input(x.clone());
            let test = if is_constant { test.constant(filter.clone()) } else { test.input(filter.clone()) };
            let out = test.run().unwrap().remove(0);
            let bits = |x: &f32| if x.is_nan() { u32::MAX } else { x.to_bits() };
            out.as_slice::<f32>().unwrap().iter().map(bits).collect::<Vec<u32>>()
        };
        assert_eq!(run(true), run(false), "{wild}");
    }
}
