//! See [`OP`].

use savedmodel_math::chain::{Chain, Function, Operand, Step};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};
use smallvec::SmallVec;

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

/// What each operator does.
const FUNCTIONS: &[(&str, Function)] = &[
    ("Exp", Function::Exp),
    ("Expm1", Function::Expm1),
    ("Log", Function::Log),
    ("Log1p", Function::Log1p),
    ("Sigmoid", Function::Sigmoid),
    ("Tanh", Function::Tanh),
    ("Sqrt", Function::Sqrt),
    ("Rsqrt", Function::Rsqrt),
    ("Reciprocal", Function::Reciprocal),
    ("Inv", Function::Reciprocal),
    ("Erf", Function::Erf),
    ("Erfc", Function::Erfc),
    ("Elu", Function::Elu),
    ("Selu", Function::Selu),
    ("Softplus", Function::Softplus),
    ("Softsign", Function::Softsign),
    ("Sin", Function::Sin),
    ("Cos", Function::Cos),
    ("Neg", Function::Neg),
    ("Abs", Function::Abs),
    ("Square", Function::Square),
    ("Relu", Function::Relu),
    ("Relu6", Function::Relu6),
    ("AddV2", Function::Add),
    ("Add", Function::Add),
    ("BiasAdd", Function::Add),
    ("Sub", Function::Sub),
    ("Mul", Function::Mul),
    ("RealDiv", Function::Div),
    ("DivNoNan", Function::DivNoNan),
    ("MulNoNan", Function::MulNoNan),
    ("Maximum", Function::Maximum),
    ("Minimum", Function::Minimum),
    ("SquaredDifference", Function::SquaredDifference),
];

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
        known.push(match function(name).map(Function::operands) {
            Some(1) => a,
            _ => shape::broadcast_shapes(&a, &b)?,
        });
    }
    Ok(vec![known.pop().unwrap_or_default()])
}

/// What an operator does, if it is known.
fn function(name: &str) -> Option<Function> {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map(|&(_, function)| function)
}

/// The steps of a node, and the chain of all of them.
struct Fused {
    steps: Vec<Step>,
    chain: Chain,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let steps = steps(node)?;
    let chain = Chain::new(node.inputs.len(), &steps);
    Ok(Box::new(Fused { steps, chain }))
}

impl Kernel for Fused {
    fn compute(&self, ctx: &mut Context<'_>) -> Result<()> {
        let out = self.run(ctx)?;
        ctx.set(0, out);
        Ok(())
    }
}

impl Fused {
    fn run(&self, ctx: &Context<'_>) -> Result<Tensor> {
        let inputs: SmallVec<[&Tensor; 8]> = ctx.inputs(0).collect();
        // Mostly, all are as large as each other, or of one element.
        let first = inputs[0].shape();
        if inputs[1..].iter().all(|input| input.shape() == first || input.rank() == 0)
            && self.all_large(&inputs, first)
        {
            let mut out = ctx.allocate(DType::Float, first)?;
            let mut operands: SmallVec<[Operand<'_>; 8]> = SmallVec::new();
            for input in &inputs {
                let data = input.as_slice()?;
                let is_scalar = input.rank() == 0 && first.rank() > 0;
                operands.push(if is_scalar { Operand::Scalar(data[0]) } else { Operand::Slice(data) });
            }
            self.chain.run(&operands, out.as_mut_slice()?);
            return Ok(out);
        }
        let mut shape = first.clone();
        for input in &inputs[1..] {
            if input.shape() != &shape && input.rank() > 0 {
                shape = shape::broadcast_known(&shape, input.shape())?;
            }
        }
        if !self.all_large(&inputs, &shape) {
            return broadcasting(&self.steps, &inputs, ctx);
        }
        let mut out = ctx.allocate(DType::Float, &shape)?;
        let mut spread: SmallVec<[Vec<f32>; 2]> = SmallVec::new();
        for input in inputs.iter().filter(|input| operand(input.shape(), &[], &shape).is_none()) {
            spread.push(spread_out(input.as_slice()?, input.shape(), &shape));
        }
        let mut copies = spread.iter();
        let mut operands: SmallVec<[Operand<'_>; 8]> = SmallVec::new();
        for input in &inputs {
            let found = operand(input.shape(), input.as_slice()?, &shape);
            operands.push(
                found
                    .or_else(|| copies.next().map(|copy| Operand::Slice(copy)))
                    .unwrap_or(Operand::Scalar(0.0)),
            );
        }
        self.chain.run(&operands, out.as_mut_slice()?);
        Ok(out)
    }

    /// Whether every result is as large as the output, and the output is what all inputs broadcast to.
    fn all_large(&self, inputs: &[&Tensor], shape: &Shape) -> bool {
        let mut large: SmallVec<[bool; 48]> = inputs.iter().map(|input| input.shape() == shape).collect();
        for step in &self.steps {
            large.push(step.taken().iter().any(|&number| large[number]));
        }
        large[inputs.len()..].iter().all(|&large| large)
    }
}

/// The general case: results may be smaller than the output.
fn broadcasting(steps: &[Step], inputs: &[&Tensor], ctx: &Context<'_>) -> Result<Tensor> {
    let mut shapes: Vec<Shape> = inputs.iter().map(|input| input.shape().clone()).collect();
    for step in steps {
        let shape = match *step.taken() {
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
            let mut values = vec![0.0; shapes[number].elements()];
            let own = Step { operands: [0, step.taken().len() - 1], ..*step };
            let taken = step.taken().iter().map(|&operand| (data(operand, &small, inputs), &shapes[operand]));
            compute(&[own], taken, &shapes[number], &mut values)?;
            small[number] = Some(values);
        }
    }
    let large = |number: &usize| small[*number].is_none();
    let last: Vec<usize> = (inputs.len()..shapes.len()).filter(large).collect();
    // What the last steps take from elsewhere comes first, then their own results.
    let mut order: Vec<usize> = Vec::new();
    for &operand in last.iter().flat_map(|&number| steps[number - inputs.len()].taken()) {
        if !last.contains(&operand) && !order.contains(&operand) {
            order.push(operand);
        }
    }
    let taken: Vec<usize> = order.clone();
    order.extend(&last);
    let place = |number: usize| order.iter().position(|&other| other == number).unwrap_or_default();
    let renumbered = last.iter().map(|&number| {
        let step = &steps[number - inputs.len()];
        Step { operands: step.operands.map(place), ..*step }
    });
    let taken = taken.iter().map(|&number| (data(number, &small, inputs), &shapes[number]));
    compute(&renumbered.collect::<Vec<_>>(), taken, &shape, out.as_mut_slice()?)?;
    Ok(out)
}

/// The numbers of an input, or of a result that was computed before.
fn data<'a>(number: usize, small: &'a [Option<Vec<f32>>], inputs: &[&'a Tensor]) -> Result<&'a [f32]> {
    match &small[number] {
        Some(values) => Ok(values),
        None => inputs[number].as_slice::<f32>(),
    }
}

/// Runs steps over operands with these numbers and shapes.
fn compute<'a>(
    steps: &[Step],
    taken: impl Iterator<Item = (Result<&'a [f32]>, &'a Shape)>,
    shape: &Shape,
    out: &mut [f32],
) -> Result<()> {
    let (mut copies, mut known): (Vec<Vec<f32>>, Vec<Option<Operand<'_>>>) = (Vec::new(), Vec::new());
    for (data, of) in taken {
        let data = data?;
        let found = operand(of, data, shape);
        if found.is_none() {
            copies.push(spread_out(data, of, shape));
        }
        known.push(found);
    }
    let mut copies = copies.iter();
    let operands =
        known.into_iter().map(|found| found.or_else(|| copies.next().map(|copy| Operand::Slice(copy))));
    let operands: Vec<Operand<'_>> = operands.flatten().collect();
    Chain::new(operands.len(), steps).run(&operands, out);
    Ok(())
}

/// Numbers of one shape read as of another, unless that takes a copy.
fn operand<'a>(shape: &Shape, data: &'a [f32], out: &Shape) -> Option<Operand<'a>> {
    if shape == out {
        return Some(Operand::Slice(data));
    }
    if shape.elements() == 1 {
        return Some(Operand::Scalar(data.first().copied().unwrap_or_default()));
    }
    if shape.elements() == out.elements() {
        return Some(Operand::Slice(data));
    }
    let skipped = out.rank() - shape.rank();
    let same = |axis: usize| axis >= skipped && shape[axis - skipped] == out[axis];
    let one = |axis: usize| axis < skipped || shape[axis - skipped] == 1;
    let (rank, first) = (out.rank(), (0..out.rank()).find(|&axis| !one(axis)).unwrap_or(out.rank()));
    if (first..rank).all(same) {
        return Some(Operand::Periodic(data));
    }
    let end = (first..rank).find(|&axis| !same(axis)).unwrap_or(rank);
    let is_repeated = (0..first).all(|axis| out[axis] == 1) && (end..rank).all(one);
    is_repeated.then(|| Operand::Repeated(data, out[end..].iter().product()))
}

/// A copy with the shape of the output.
fn spread_out(data: &[f32], shape: &Shape, out: &Shape) -> Vec<f32> {
    let skipped = out.rank() - shape.rank();
    let mut values = data.to_vec();
    let mut inner = 1;
    for axis in (0..out.rank()).rev() {
        let size = if axis < skipped { 1 } else { shape[axis - skipped] };
        if size != out[axis] {
            let mut longer = Vec::with_capacity(values.len() * out[axis]);
            for part in values.chunks(inner.max(1)) {
                match *part {
                    [value] => longer.resize(longer.len() + out[axis], value),
                    _ => (0..out[axis]).for_each(|_| longer.extend_from_slice(part)),
                }
            }
            values = longer;
        }
        inner *= out[axis];
    }
    values
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
        check(&["Mul", "AddV2"], &[0, 1, 2, 0], &[&[3, 4, 2, 5], &[3, 1, 2, 1]]);
        check(&["Mul", "AddV2"], &[0, 1, 2, 0], &[&[4, 2, 0], &[1, 2, 1]]);
    }

    #[test]
    fn names_are_operators() {
        let def = savedmodel_op::OpDef::of(&OP).unwrap();
        let declared =
            def.attrs.iter().find(|attr| attr.name == "ops").and_then(|attr| attr.allowed.as_ref());
        assert_eq!(declared.map(Vec::len), Some(FUNCTIONS.len()));
        for (name, function) in FUNCTIONS {
            if let Some(own) = crate::OPS.iter().copied().flatten().find(|own| own.name == *name) {
                let (ops, shapes): (_, &[&[usize]]) = ([*name], &[&[3000], &[3000]]);
                let arity = function.operands();
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
