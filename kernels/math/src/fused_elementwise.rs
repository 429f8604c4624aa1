//! See [`OP`].

use savedmodel_math::{map, par, unary};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};
use smallvec::SmallVec;

use crate::elementwise::CHEAP;

/// Several element-wise operators in one pass over memory.
///
/// This project's optimiser makes it. `ops` names operators of TensorFlow in the order in which they are computed, and
/// `operands` holds two numbers for each (the second is ignored by those that take one input): those below `N` are inputs,
/// `N + i` is the result of operator `i`. The last result is the output. All broadcast as they do on their own, and what is
/// smaller than the output is computed only as large as it is.
pub const OP: Op = Op {
    name: "_FusedElementwise",
    inputs: &["inputs: N * T"],
    outputs: &["output: T"],
    attrs: &[
        "N: int >= 1",
        "T: {float}",
        "ops: list({'Exp', 'Expm1', 'Log', 'Log1p', 'Sigmoid', 'Tanh', 'Sqrt', 'Rsqrt', 'Reciprocal',  \
         'Inv', 'Erf', 'Erfc', 'Elu', 'Selu', 'Softplus', 'Softsign', 'Sin', 'Cos', 'Neg', 'Abs',  \
         'Square', 'Relu', 'Relu6', 'AddV2', 'Add', 'BiasAdd', 'Sub', 'Mul', 'RealDiv', 'DivNoNan',  \
         'MulNoNan', 'Maximum', 'Minimum', 'SquaredDifference'})",
        "operands: list(int)",
    ],
    effect: Effect::Pure,
    shape: shapes,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

/// Elements that go through all operators before the next ones do: several such pieces fit the first-level cache.
const TILE: usize = 1024;

type Unary = fn(&[f32], &mut [f32]);
/// One loop for two slices, one for a slice and a scalar, one for a scalar and a slice.
type Binary = (fn(&[f32], &[f32], &mut [f32]), fn(&[f32], f32, &mut [f32]), fn(f32, &[f32], &mut [f32]));

macro_rules! unary {
    ($($name:literal $f:expr;)*) => { &[$(($name, Function::Unary($f))),*] };
}
macro_rules! cheap {
    ($($name:literal $f:expr;)*) => { &[$(($name, Function::Unary(|x, y| map::map(x, y, CHEAP, $f)))),*] };
}
macro_rules! pairs {
    ($($name:literal |$x:ident, $y:ident| $f:expr;)*) => {
        &[$(($name, Function::Binary((
            |a, b, y| map::zip(a, b, y, CHEAP, |$x: f32, $y: f32| $f),
            |a, $y, y| map::map(a, y, CHEAP, move |$x: f32| $f),
            |$x, b, y| map::map(b, y, CHEAP, move |$y: f32| $f),
        )))),*]
    };
}

/// What each operator does, as its own kernel does it.
const FUNCTIONS: [&[(&str, Function)]; 3] = [
    unary! {
        "Exp" unary::exp;
        "Expm1" unary::expm1;
        "Log" unary::log;
        "Log1p" unary::log1p;
        "Sigmoid" unary::sigmoid;
        "Tanh" unary::tanh;
        "Sqrt" unary::sqrt;
        "Rsqrt" unary::rsqrt;
        "Reciprocal" unary::reciprocal;
        "Inv" unary::reciprocal;
        "Erf" unary::erf;
        "Erfc" unary::erfc;
        "Elu" unary::elu;
        "Selu" unary::selu;
        "Softplus" unary::softplus;
        "Softsign" unary::softsign;
        "Sin" unary::sin;
        "Cos" unary::cos;
    },
    cheap! {
        "Neg" |x: f32| -x;
        "Abs" f32::abs;
        "Square" |x| x * x;
        "Relu" |x| if x <= 0.0 { 0.0 } else { x };
        "Relu6" |x| {
            let x = if x <= 0.0 { 0.0 } else { x };
            if x > 6.0 { 6.0 } else { x }
        };
    },
    pairs! {
        "AddV2" |x, y| x + y;
        "Add" |x, y| x + y;
        "BiasAdd" |x, y| x + y;
        "Sub" |x, y| x - y;
        "Mul" |x, y| x * y;
        "RealDiv" |x, y| x / y;
        "DivNoNan" |x, y| if y == 0.0 { 0.0 } else { x / y };
        "MulNoNan" |x, y| if y == 0.0 { 0.0 } else { x * y };
        "Maximum" |x, y| if x > y || x.is_nan() { x } else { y };
        "Minimum" |x, y| if x < y || x.is_nan() { x } else { y };
        "SquaredDifference" |x, y| (x - y) * (x - y);
    },
];

#[derive(Clone, Copy)]
enum Function {
    Unary(Unary),
    Binary(Binary),
}

#[derive(Clone, Copy)]
struct Step {
    function: Function,
    operands: [usize; 2],
}

impl Step {
    fn operands(&self) -> &[usize] {
        match self.function {
            Function::Unary(_) => &self.operands[..1],
            Function::Binary(_) => &self.operands,
        }
    }
}

fn steps(node: &Construction<'_>) -> Result<Vec<Step>> {
    let (names, numbers): (Vec<String>, Vec<i64>) = (node.attr("ops")?, node.attr("operands")?);
    if names.is_empty() || numbers.len() != 2 * names.len() {
        return Err(Error::invalid_argument("operands must hold two numbers for each of ops"));
    }
    let inputs = node.inputs.len();
    let step = |(i, (name, numbers)): (usize, (&String, &[i64]))| {
        let function = function(name).ok_or_else(|| node.unimplemented("ops"))?;
        let number = |number: i64| usize::try_from(number).ok().filter(|&number| number < inputs + i);
        match (number(numbers[0]), number(numbers[1])) {
            (Some(a), Some(b)) => Ok(Step { function, operands: [a, b] }),
            _ => Err(Error::invalid_argument(format!("{name} takes what is not there: {numbers:?}"))),
        }
    };
    names.iter().zip(numbers.chunks_exact(2)).enumerate().map(step).collect()
}

fn shapes(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let mut known: Vec<PartialShape> = (0..ctx.inputs.len()).map(|i| ctx.input(i)).collect();
    let names: Vec<String> = ctx.attr("ops").unwrap_or_default();
    let numbers: Vec<i64> = ctx.attr("operands").unwrap_or_default();
    for (name, numbers) in names.iter().zip(numbers.chunks_exact(2)) {
        let of = |number: i64| usize::try_from(number).ok().and_then(|i| known.get(i)).cloned();
        let (a, b) = (of(numbers[0]).unwrap_or_default(), of(numbers[1]).unwrap_or_default());
        known.push(match function(name) {
            Some(Function::Unary(_)) => a,
            _ => shape::broadcast_shapes(&a, &b)?,
        });
    }
    Ok(vec![known.pop().unwrap_or_default()])
}

/// What an operator does, if it is known.
fn function(name: &str) -> Option<Function> {
    FUNCTIONS.iter().copied().flatten().find(|(known, _)| *known == name).map(|&(_, function)| function)
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let steps = steps(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let out = run(&steps, ctx)?;
        ctx.set(0, out);
        Ok(())
    }))
}

fn run(steps: &[Step], ctx: &Context<'_>) -> Result<Tensor> {
    let inputs: SmallVec<[&Tensor; 8]> = ctx.inputs(0).collect();
    let mut shape = inputs[0].shape().clone();
    for input in &inputs[1..] {
        if input.shape() != &shape {
            shape = shape::broadcast_known(&shape, input.shape())?;
        }
    }
    // Where every input is a scalar or as large as the output, so is every result.
    if inputs.iter().all(|input| input.rank() == 0 || input.shape() == &shape) {
        let mut out = ctx.allocate(DType::Float, &shape)?;
        let operands: Result<SmallVec<[Operand<'_>; 8]>> =
            inputs.iter().map(|input| Ok(Operand::new(input.as_slice()?, input.shape(), &shape))).collect();
        compute(steps, &operands?, out.as_mut_slice()?);
        return Ok(out);
    }
    broadcasting(steps, &inputs, ctx)
}

/// The general case: results may be smaller than the output.
fn broadcasting(steps: &[Step], inputs: &[&Tensor], ctx: &Context<'_>) -> Result<Tensor> {
    let mut shapes: Vec<Shape> = inputs.iter().map(|input| input.shape().clone()).collect();
    for step in steps {
        let shape = match *step.operands() {
            [a, b] => shape::broadcast_known(&shapes[a], &shapes[b])?,
            _ => shapes[step.operands[0]].clone(),
        };
        shapes.push(shape);
    }
    let shape = shapes.last().cloned().unwrap_or_default();
    let mut out = ctx.allocate(DType::Float, &shape)?;
    // What is smaller than the output is computed before it, each as a whole.
    let mut small: Vec<Option<Vec<f32>>> = vec![None; shapes.len()];
    for (number, step) in (inputs.len()..).zip(steps) {
        if shapes[number] != shape {
            let operands = step.operands().iter().map(|&operand| {
                let data = match &small[operand] {
                    Some(values) => &values[..],
                    None => inputs[operand].as_slice::<f32>()?,
                };
                Ok(Operand::new(data, &shapes[operand], &shapes[number]))
            });
            let operands: Vec<Operand<'_>> = operands.collect::<Result<_>>()?;
            let mut values = vec![0.0; shapes[number].elements()];
            compute(&[Step { operands: [0, operands.len() - 1], ..*step }], &operands, &mut values);
            small[number] = Some(values);
        }
    }
    let large = |number: &usize| small[*number].is_none();
    let last: Vec<usize> = (inputs.len()..shapes.len()).filter(large).collect();
    // What the last steps take from elsewhere comes first, then their own results.
    let mut order: Vec<usize> = Vec::new();
    for &operand in last.iter().flat_map(|&number| steps[number - inputs.len()].operands()) {
        if !last.contains(&operand) && !order.contains(&operand) {
            order.push(operand);
        }
    }
    let operands = order.iter().map(|&number| {
        let data = match &small[number] {
            Some(values) => &values[..],
            None => inputs[number].as_slice::<f32>()?,
        };
        Ok(Operand::new(data, &shapes[number], &shape))
    });
    let operands: Vec<Operand<'_>> = operands.collect::<Result<_>>()?;
    order.extend(&last);
    let place = |number: usize| order.iter().position(|&other| other == number).unwrap_or_default();
    let renumbered = last.iter().map(|&number| {
        let step = &steps[number - inputs.len()];
        Step { operands: step.operands.map(place), ..*step }
    });
    compute(&renumbered.collect::<Vec<_>>(), &operands, out.as_mut_slice()?);
    Ok(out)
}

/// A tensor, read as if it had the shape of the output.
enum Operand<'a> {
    Whole(std::borrow::Cow<'a, [f32]>),
    /// Repeated from one end to the other.
    Periodic(&'a [f32]),
    /// Each element so many times.
    Repeated(&'a [f32], usize),
}

impl<'a> Operand<'a> {
    fn new(data: &'a [f32], shape: &Shape, out: &Shape) -> Operand<'a> {
        let elements = out.elements();
        if data.len() == elements {
            return Operand::Whole(data.into());
        }
        let skipped = out.rank() - shape.rank();
        let same = |axis: usize| axis >= skipped && shape[axis - skipped] == out[axis];
        let one = |axis: usize| axis < skipped || shape[axis - skipped] == 1;
        let (rank, first) = (out.rank(), (0..out.rank()).find(|&axis| !one(axis)).unwrap_or(out.rank()));
        if (first..rank).all(same) {
            return Operand::Periodic(data);
        }
        let end = (first..rank).find(|&axis| !same(axis)).unwrap_or(rank);
        if (0..first).all(|axis| out[axis] == 1) && (end..rank).all(one) {
            return Operand::Repeated(data, out[end..].iter().product());
        }
        Operand::Whole(spread(data, shape, out).into())
    }

    /// The elements of a range, in `buffer` unless they lie as they are needed.
    fn read<'b>(&'b self, start: usize, len: usize, buffer: &'b mut Vec<f32>) -> &'b [f32] {
        match self {
            Operand::Whole(data) => &data[start..start + len],
            Operand::Periodic([value]) => {
                if buffer.len() < len || buffer[0].to_bits() != value.to_bits() {
                    buffer.clear();
                    buffer.resize(len, *value);
                }
                &buffer[..len]
            }
            Operand::Periodic(data) => {
                buffer.clear();
                let mut at = start % data.len();
                while buffer.len() < len {
                    let count = (data.len() - at).min(len - buffer.len());
                    buffer.extend_from_slice(&data[at..at + count]);
                    at = 0;
                }
                buffer
            }
            Operand::Repeated(data, times) => {
                buffer.clear();
                let mut at = start;
                while at < start + len {
                    let end = (at / times * times + times).min(start + len);
                    buffer.resize(end - start, data[at / times]);
                    at = end;
                }
                buffer
            }
        }
    }
}

/// A copy with the shape of the output.
fn spread(data: &[f32], shape: &Shape, out: &Shape) -> Vec<f32> {
    let skipped = out.rank() - shape.rank();
    let mut values = data.to_vec();
    let mut inner = 1;
    for axis in (0..out.rank()).rev() {
        let size = if axis < skipped { 1 } else { shape[axis - skipped] };
        if size != out[axis] {
            values = values.chunks(inner).flat_map(|part| part.repeat(out[axis])).collect();
        }
        inner *= out[axis];
    }
    values
}

/// Runs steps over the operands, tile by tile; operands have the smallest numbers, results follow.
fn compute(steps: &[Step], operands: &[Operand<'_>], out: &mut [f32]) {
    let (slots, count) = slots(steps, operands.len());
    let cost = CHEAP * steps.len() as f64;
    let grain = par::grain(cost).next_multiple_of(TILE);
    par::for_chunks_mut(out, grain, |first, out| {
        let size = TILE.min(out.len());
        let mut buffers: SmallVec<[Vec<f32>; 8]> = operands.iter().map(|_| Vec::new()).collect();
        let mut results: SmallVec<[Vec<f32>; 4]> = (0..count).map(|_| vec![0.0; size]).collect();
        for (index, out) in out.chunks_mut(TILE).enumerate() {
            let (start, len) = (first + index * TILE, out.len());
            let inputs: SmallVec<[&[f32]; 8]> = operands
                .iter()
                .zip(&mut buffers)
                .map(|(operand, buffer)| operand.read(start, len, buffer))
                .collect();
            for (i, step) in steps.iter().enumerate() {
                // Taken out, so that others can be read meanwhile.
                let mut own = slots[i].map(|slot| std::mem::take(&mut results[slot]));
                let target = own.as_mut().map_or(&mut *out, |own| &mut own[..len]);
                let scalar = |number: usize| match operands.get(number) {
                    Some(Operand::Periodic([value])) => Some(*value),
                    _ => None,
                };
                let get = |number: usize| match number.checked_sub(inputs.len()) {
                    Some(result) => slots[result].map_or(&[][..], |slot| &results[slot][..len]),
                    None => inputs[number],
                };
                match step.function {
                    Function::Unary(f) => f(get(step.operands[0]), target),
                    Function::Binary((slices, right, left)) => {
                        let [a, b] = step.operands;
                        match (scalar(a), scalar(b)) {
                            (_, Some(b)) => right(get(a), b, target),
                            (Some(a), _) => left(a, get(b), target),
                            _ => slices(get(a), get(b), target),
                        }
                    }
                }
                if let (Some(slot), Some(own)) = (slots[i], own) {
                    results[slot] = own;
                }
            }
        }
    });
}

/// Which buffer each result lies in, and how many there are; the last result is the output.
fn slots(steps: &[Step], operands: usize) -> (SmallVec<[Option<usize>; 16]>, usize) {
    let mut slots: SmallVec<[Option<usize>; 16]> = SmallVec::new();
    let (mut free, mut count) = (SmallVec::<[usize; 8]>::new(), 0);
    for (i, step) in steps.iter().enumerate() {
        let slot = (i + 1 < steps.len()).then(|| {
            free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            })
        });
        slots.push(slot);
        for (side, &operand) in step.operands().iter().enumerate() {
            let Some(result) = operand.checked_sub(operands) else { continue };
            let taken_later = steps[i + 1..].iter().any(|later| later.operands().contains(&operand));
            if !taken_later && !step.operands()[..side].contains(&operand) {
                free.extend(slots[result]);
            }
        }
    }
    (slots, count)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::OpTest;

    use super::*;

    fn tensor(dims: &[usize]) -> Tensor {
        let shape = Shape::from(dims);
        let values = (0..shape.elements()).map(|i| (i * 7 % 19) as f32 / 4.0 - 2.0).collect();
        Tensor::from_vec(shape, values).unwrap()
    }

    fn one(test: OpTest<'_>, inputs: impl IntoIterator<Item = Tensor>) -> Result<Tensor> {
        inputs.into_iter().fold(test, OpTest::input).run().map(|mut outputs| outputs.remove(0))
    }

    fn fused(ops: &[&str], operands: &[i64], inputs: &[Tensor]) -> Result<Tensor> {
        let test = OpTest::new(&OP).attr("N", inputs.len() as i64);
        one(test.attr("ops", ops.to_vec()).attr("operands", operands.to_vec()), inputs.iter().cloned())
    }

    fn check(ops: &[&str], operands: &[i64], shapes: &[&[usize]]) {
        let mut values: Vec<Tensor> = shapes.iter().map(|dims| tensor(dims)).collect();
        let got = fused(ops, operands, &values).unwrap();
        for (i, op) in ops.iter().enumerate() {
            let own = crate::OPS.iter().copied().flatten().find(|own| own.name == *op).unwrap();
            let arguments = operands[2 * i..][..own.inputs.len()].iter().map(|&n| values[n as usize].clone());
            values.push(one(OpTest::new(own), arguments.collect::<Vec<_>>()).unwrap());
        }
        let want = values.pop().unwrap();
        assert_eq!(got.shape(), want.shape(), "{ops:?}");
        assert_eq!(got.bytes(), want.bytes(), "{ops:?} {shapes:?}");
    }

    #[test]
    fn as_one_after_the_other() {
        let norm = ["AddV2", "Rsqrt", "Mul", "Mul", "Mul", "Sub", "AddV2"];
        let numbers = [1, 2, 6, 0, 7, 3, 0, 8, 4, 8, 5, 10, 9, 11];
        let (x, column, row): (&[usize], &[usize], &[usize]) = (&[2, 70, 48], &[2, 70, 1], &[48]);
        check(&norm, &numbers, &[x, column, &[], row, column, row]);
        check(&["Exp", "Neg", "Tanh"], &[0, 0, 1, 0, 2, 0], &[&[5000]]);
        check(&["Mul", "Sigmoid", "Mul"], &[0, 1, 2, 0, 0, 3], &[&[3, 1, 5], &[]]);
        check(&["SquaredDifference", "Maximum"], &[0, 1, 2, 1], &[&[3, 1, 5, 1], &[1, 4, 1, 6]]);
        check(&["Sub", "RealDiv"], &[0, 1, 2, 0], &[&[0, 3], &[3]]);
    }

    #[test]
    fn names_are_operators() {
        let def = savedmodel_op::OpDef::of(&OP).unwrap();
        let declared =
            def.attrs.iter().find(|attr| attr.name == "ops").and_then(|attr| attr.allowed.as_ref());
        assert_eq!(declared.map(Vec::len), Some(FUNCTIONS.iter().map(|list| list.len()).sum()));
        for (name, function) in FUNCTIONS.iter().copied().flatten() {
            if let Some(own) = crate::OPS.iter().copied().flatten().find(|own| own.name == *name) {
                let (ops, shapes): (_, &[&[usize]]) = ([*name], &[&[3000], &[3000]]);
                let arity = if matches!(function, Function::Unary(_)) { 1 } else { 2 };
                assert_eq!(own.inputs.len(), arity, "{name}");
                check(&ops, &[0, arity as i64 - 1], &shapes[..arity]);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let run = |ops: &[&str], operands: &[i64], shapes: &[&[usize]]| {
            let inputs: Vec<Tensor> = shapes.iter().map(|dims| tensor(dims)).collect();
            fused(ops, operands, &inputs).unwrap_err().to_string()
        };
        assert!(run(&["AddV2"], &[0, 1], &[&[2], &[3]]).contains("Incompatible shapes: [2] vs. [3]"));
        assert!(run(&["Print"], &[0, 0], &[&[2]]).contains("not in the list of allowed values"));
        assert!(run(&["Neg"], &[1, 0], &[&[2]]).contains("not there"));
        assert!(run(&["Neg"], &[0], &[&[2]]).contains("two numbers"));
    }
}
