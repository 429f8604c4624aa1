use super::*;
use crate::simd::testing::at_each_level;

/// What a function gives, by its definition; `None` for those that [`crate::unary`] defines.
fn scalar(function: Function, x: f32, y: f32) -> Option<f32> {
    Some(match function {
        Function::Abs => x.abs(),
        Function::Neg => -x,
        Function::Reciprocal => 1.0 / x,
        Function::Relu => {
            if x <= 0.0 {
                0.0
            } else {
                x
            }
        }
        Function::Relu6 => {
            let x = if x <= 0.0 { 0.0 } else { x };
            if x > 6.0 { 6.0 } else { x }
        }
        Function::Rsqrt => 1.0 / x.sqrt(),
        Function::Sqrt => x.sqrt(),
        Function::Square => x * x,
        Function::Add => x + y,
        Function::Div => x / y,
        Function::DivNoNan => {
            if y == 0.0 {
                0.0
            } else {
                x / y
            }
        }
        Function::Maximum => {
            if x > y || x.is_nan() {
                x
            } else {
                y
            }
        }
        Function::Minimum => {
            if x < y || x.is_nan() {
                x
            } else {
                y
            }
        }
        Function::Mul => x * y,
        Function::MulNoNan => {
            if y == 0.0 {
                0.0
            } else {
                x * y
            }
        }
        Function::SquaredDifference => (x - y) * (x - y),
        Function::Sub => x - y,
        _ => return None,
    })
}

const SHORT: [Function; 17] = [
    Function::Abs,
    Function::Neg,
    Function::Reciprocal,
    Function::Relu,
    Function::Relu6,
    Function::Rsqrt,
    Function::Sqrt,
    Function::Square,
    Function::Add,
    Function::Div,
    Function::DivNoNan,
    Function::Maximum,
    Function::Minimum,
    Function::Mul,
    Function::MulNoNan,
    Function::SquaredDifference,
    Function::Sub,
];

fn numbers(len: usize, seed: usize) -> Vec<f32> {
    const RARE: [f32; 6] = [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 7.5];
    let number = |i: usize| match (i * 31 + seed) % 13 {
        0 => RARE[(i / 13 + seed) % RARE.len()],
        rest => (rest * (i % 7 + 1)) as f32 / 8.0 - 3.0,
    };
    (0..len).map(number).collect()
}

fn same(got: &[f32], want: &[f32]) -> bool {
    got.len() == want.len()
        && got.iter().zip(want).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
}

#[test]
fn short_functions_are_exact() {
    at_each_level(|level| {
        for len in [1, 15, 64, 129, 1500] {
            let (x, y) = (numbers(len, 1), numbers(len, 5));
            for function in SHORT {
                let chain = Chain::new(2, &[Step { function, operands: [0, 1] }]);
                let (mut got, want): (Vec<f32>, Option<Vec<f32>>) =
                    (vec![7.0; len], x.iter().zip(&y).map(|(&x, &y)| scalar(function, x, y)).collect());
                chain.run(&[Operand::Slice(&x), Operand::Slice(&y)], &mut got);
                assert!(same(&got, &want.unwrap()), "{level:?} {function:?} {len}");
            }
        }
    });
}

#[test]
fn results_are_found_where_they_lie() {
    // Results that are taken at once, later, twice, and by long functions.
    let steps = [
        (Function::Mul, [0, 1]),
        (Function::Exp, [3, 3]),
        (Function::Sub, [2, 4]),
        (Function::Sub, [5, 3]),
        (Function::Square, [6, 6]),
        (Function::Add, [7, 5]),
        (Function::Add, [8, 8]),
        (Function::Tanh, [9, 9]),
    ];
    let steps = steps.map(|(function, operands)| Step { function, operands });
    at_each_level(|level| {
        for len in [5, 70, 3000] {
            let (x, y) = (numbers(len, 2), numbers(len, 3));
            let row = &y[..len.min(5)];
            let operands = [Operand::Slice(&x), Operand::Scalar(0.25), Operand::Periodic(row)];
            let mut values: Vec<Vec<f32>> =
                vec![x.clone(), vec![0.25; len], row.iter().copied().cycle().take(len).collect()];
            for step in steps {
                let [a, b] = step.operands.map(|number| &values[number]);
                let result = match step.function {
                    Function::Exp => a
                        .iter()
                        .map(|x| {
                            let mut y = [0.0];
                            crate::unary::exp(&[*x], &mut y);
                            y[0]
                        })
                        .collect(),
                    Function::Tanh => a
                        .iter()
                        .map(|x| {
                            let mut y = [0.0];
                            crate::unary::tanh(&[*x], &mut y);
                            y[0]
                        })
                        .collect(),
                    other => a.iter().zip(b).map(|(&x, &y)| scalar(other, x, y).unwrap()).collect(),
                };
                values.push(result);
            }
            let mut got = vec![0.0; len];
            Chain::new(3, &steps).run(&operands, &mut got);
            assert!(same(&got, values.last().unwrap()), "{level:?} {len}");
        }
    });
}

#[test]
fn operands_spread() {
    let add = Chain::new(2, &[Step { function: Function::Add, operands: [0, 1] }]);
    let (few, ones) = ([1.0, 2.0, 3.0], vec![1.0; 3 * 700]);
    let mut out = vec![0.0; ones.len()];
    add.run(&[Operand::Repeated(&few, 700), Operand::Slice(&ones)], &mut out);
    assert!(out.iter().enumerate().all(|(i, &x)| x == 2.0 + (i / 700) as f32));
    add.run(&[Operand::Slice(&ones), Operand::Periodic(&few)], &mut out);
    assert!(out.iter().enumerate().all(|(i, &x)| x == 2.0 + (i % 3) as f32));
    let long = Chain::new(1, &[Step { function: Function::Exp, operands: [0, 0] }]);
    long.run(&[Operand::Scalar(0.0)], &mut out);
    assert_eq!(out, vec![1.0; ones.len()]);
}

#[test]
fn large_results_go_past_the_caches() {
    let len = STREAMED / size_of::<f32>() + 21;
    let x: Vec<f32> = (0..len).map(|i| i as f32).collect();
    let mut out = vec![0.0; len];
    Chain::new(2, &[Step { function: Function::Add, operands: [0, 1] }])
        .run(&[Operand::Slice(&x), Operand::Scalar(1.0)], &mut out);
    assert!(out.iter().enumerate().all(|(i, &y)| y == i as f32 + 1.0));
}
