//! `XlaDot` and `XlaDotV2`.

use savedmodel_op::{
    AttrValue, Construction, Context, Effect, Kernel, Kernels, Limits, Op, Run, ShapeContext, dtypes,
};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::calls::{Ready, call, cast, saturated, transpose};
use crate::numbers::{Numbers, dims, others};
use crate::numbers_attr;

/// Sums of products over the contracted dimensions of both operands, for each index of the batch dimensions, which come
/// first in the result; what is left of the first and then of the second operand follows.
///
/// <https://openxla.org/xla/operation_semantics#dotgeneral>
pub const OPS: &[Op] = &[
    Op {
        name: "XlaDotV2",
        inputs: &["lhs: LhsT", "rhs: RhsT"],
        outputs: &["output: preferred_element_type"],
        attrs: &[
            numbers_attr!("LhsT"),
            numbers_attr!("RhsT"),
            "dimension_numbers: string",
            "precision_config: string",
            numbers_attr!("preferred_element_type"),
        ],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(
            &[
                ("LhsT", dtypes::NUMBERS),
                ("RhsT", dtypes::NUMBERS),
                ("preferred_element_type", dtypes::NUMBERS),
            ],
            build,
        ),
    },
    Op {
        name: "XlaDot",
        inputs: &["lhs: T", "rhs: T"],
        outputs: &["output: T"],
        attrs: &[numbers_attr!("T"), "dimension_numbers: string", "precision_config: string"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", dtypes::NUMBERS)], build),
    },
];

fn shape(_: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::unknown()])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let numbers = Numbers::of(node, "dimension_numbers")?;
    Numbers::of(node, "precision_config")?;
    let result = node.outputs[0];
    let ready = Weights::of(node, &numbers)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let run = ctx.run();
        if let Some(weights) = ready.as_ref().filter(|weights| weights.fit(ctx.input(0), &numbers)) {
            let product = weights.multiply(&run, ctx.take(0))?;
            ctx.set(0, product);
            return Ok(());
        }
        let dtype = wide(ctx.input(0).dtype(), ctx.input(1).dtype(), result);
        let lhs = cast(&run, ctx.take(0), dtype)?;
        let rhs = cast(&run, ctx.take(1), dtype)?;
        let product = dot(&run, lhs, rhs, &numbers)?;
        ctx.set(0, saturated(&run, product, result)?);
        Ok(())
    }))
}

/// The dtype to compute in: products of integers wrap, so that any that is wide enough will do.
pub(crate) fn wide(lhs: DType, rhs: DType, result: DType) -> DType {
    let size = |dtype: DType| dtype.size().unwrap_or(1);
    if result.is_integer() && lhs.is_integer() && rhs.is_integer() {
        return if size(result) > 4 { DType::Int64 } else { DType::Int32 };
    }
    let widest = if size(rhs) > size(lhs) { rhs } else { lhs };
    match widest {
        DType::Half | DType::Bfloat16 if size(result) == 2 && lhs != rhs => DType::Float,
        _ if result.is_integer() => {
            if lhs.is_integer() {
                rhs
            } else {
                lhs
            }
        }
        _ if size(result) >= size(widest) || widest.is_integer() => result,
        _ => widest,
    }
}

/// An operand with its dimensions in groups.
struct Operand {
    tensor: Tensor,
    batch: Vec<usize>,
    contracted: Vec<usize>,
    free: Vec<usize>,
}

impl Operand {
    fn of(tensor: Tensor, contracted: &[i64], batch: &[i64]) -> Result<Operand> {
        let rank = tensor.rank();
        let bound: Vec<i64> = batch.iter().chain(contracted).copied().collect();
        let bound = dims(&bound, rank, "batch and contracting dimensions")?;
        let (batch, contracted) = bound.split_at(batch.len());
        Ok(Operand {
            free: others(rank, &bound),
            batch: batch.to_vec(),
            contracted: contracted.to_vec(),
            tensor,
        })
    }

    fn sizes(&self, dims: &[usize]) -> Vec<usize> {
        dims.iter().map(|&dim| self.tensor.shape()[dim]).collect()
    }

    /// A batch of matrices, whose rows are the free dimensions if `rows` says so; whether they are the columns instead.
    fn matrices(self, run: &Run<'_>, rows: bool) -> Result<(Tensor, bool)> {
        let count = |dims: &[usize]| self.sizes(dims).iter().product::<usize>();
        let batch = count(&self.batch);
        let (first, second) =
            if rows { (&self.free, &self.contracted) } else { (&self.contracted, &self.free) };
        let (m, n) = (count(first), count(second));
        let order: Vec<usize> = [&self.batch, first, second].into_iter().flatten().copied().collect();
        let turned = [&self.batch, second, first].into_iter().flatten().copied();
        // Adjoint matrices of complex numbers are more than transposed ones.
        if turned.eq(0..order.len()) && !self.tensor.dtype().is_complex() {
            return Ok((self.tensor.reshape([batch, n, m])?, true));
        }
        Ok((transpose(run, self.tensor, &order)?.reshape([batch, m, n])?, false))
    }
}

/// A second operand that never changes, as a matrix that is ready.
struct Weights {
    matrix: Ready,
    rows: usize,
    /// Its sizes besides the contracted one.
    free: Vec<usize>,
}

impl Weights {
    fn of(node: &Construction<'_>, numbers: &Numbers) -> Result<Option<Weights>> {
        let Some(rhs) = node.constant(1) else { return Ok(None) };
        let (dtype, limits) = (rhs.dtype(), Limits::default());
        let run = Run { resources: node.resources, limits: &limits };
        let is_plain = dtype.is_floating() && node.inputs[0] == dtype && node.outputs[0] == dtype;
        let has_rows = numbers.list(2).len() == 1 && numbers.list(4).is_empty();
        let operand = Operand::of(rhs.clone(), numbers.list(2), numbers.list(4));
        // What is wrong is said when it is called.
        let Some(operand) = operand.ok().filter(|_| is_plain && has_rows) else { return Ok(None) };
        let (free, rows) = (operand.sizes(&operand.free), operand.sizes(&operand.contracted)[0]);
        let columns = free.iter().product();
        if rows == 0 || columns == 0 {
            return Ok(None);
        }
        let (matrix, transposed) = operand.matrices(&run, false)?;
        let matrix = matrix.reshape(if transposed { [columns, rows] } else { [rows, columns] })?;
        let matrix = Ready::new(node, "MatMul", &[("transpose_b", AttrValue::Bool(transposed))], matrix)?;
        Ok(Some(Weights { matrix, rows, free }))
    }

    /// Whether they are contracted with the last dimension of the other operand.
    fn fit(&self, lhs: &Tensor, numbers: &Numbers) -> bool {
        lhs.shape().last() == Some(&self.rows)
            && numbers.list(1) == [lhs.rank() as i64 - 1]
            && numbers.list(3).is_empty()
    }

    fn multiply(&self, run: &Run<'_>, lhs: Tensor) -> Result<Tensor> {
        let mut shape = lhs.shape().to_vec();
        shape.pop();
        let lhs = lhs.reshape([shape.iter().product(), self.rows])?;
        shape.extend(&self.free);
        self.matrix.call(run, lhs)?.reshape(shape)
    }
}

/// The product of operands of one dtype.
fn dot(run: &Run<'_>, lhs: Tensor, rhs: Tensor, numbers: &Numbers) -> Result<Tensor> {
    let lhs = Operand::of(lhs, numbers.list(1), numbers.list(3))?;
    let rhs = Operand::of(rhs, numbers.list(2), numbers.list(4))?;
    let batch = lhs.sizes(&lhs.batch);
    if batch != rhs.sizes(&rhs.batch) || lhs.sizes(&lhs.contracted) != rhs.sizes(&rhs.contracted) {
        return Err(Error::invalid_argument(format!(
            "Batch and contracting dimensions of the operands of a dot must agree: {} {:?} {:?}, {} {:?} {:?}",
            lhs.tensor.shape(),
            lhs.batch,
            lhs.contracted,
            rhs.tensor.shape(),
            rhs.batch,
            rhs.contracted
        )));
    }
    let shape = [batch, lhs.sizes(&lhs.free), rhs.sizes(&rhs.free)].concat();
    let (lhs, adjoint_x) = lhs.matrices(run, true)?;
    let (rhs, adjoint_y) = rhs.matrices(run, false)?;
    let attrs = [("adj_x", AttrValue::Bool(adjoint_x)), ("adj_y", AttrValue::Bool(adjoint_y))];
    call(run, "BatchMatMulV2", &attrs, vec![lhs, rhs])?.reshape(shape)
}
