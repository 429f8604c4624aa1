//! `XlaReduce`, `XlaVariadicReduce` and `XlaVariadicReduceV2`.

use savedmodel_kernels_array::walk;
use savedmodel_kernels_nn::extremes::{self, Blocks};
use savedmodel_op::{AttrValue, Construction, Context, Effect, Kernel, Kernels, Op, Run, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::calls::{Scalars, broadcast, call, cast, transpose, vector};
use crate::gather::DTYPES;
use crate::numbers::{dims, others};
use crate::{check_dtypes, numbers_attr};

/// What a function makes of an initial value and, one after the other, the elements along some dimensions; of several tensors
/// at once for those that say so.
///
/// <https://openxla.org/xla/operation_semantics#reduce>
pub const OPS: &[Op] = &[
    Op {
        name: "XlaReduce",
        inputs: &["input: T", "init_value: T"],
        outputs: &["output: T"],
        attrs: &[numbers_attr!("T" ", bool"), "dimensions_to_reduce: list(int)", "reducer: func"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", DTYPES)], build),
    },
    Op {
        name: "XlaVariadicReduce",
        inputs: &["input: N * T", "init_value: N * T"],
        outputs: &["output: N * T"],
        attrs: &[
            "N: int >= 1",
            numbers_attr!("T" ", bool"),
            "dimensions_to_reduce: list(int)",
            "reducer: func",
        ],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", DTYPES)], build),
    },
    Op {
        name: "XlaVariadicReduceV2",
        inputs: &["inputs: T", "init_values: T"],
        outputs: &["outputs: T"],
        attrs: &["T: list(type) >= 1", "dimensions_to_reduce: list(int)", "reducer: func"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(|node| {
            check_dtypes(node)?;
            build(node)
        }),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let gone: Vec<i64> = ctx.attr("dimensions_to_reduce").unwrap_or_default();
    let input = ctx.input(0);
    let kept = input.dims().map(|dims| {
        let kept = dims.iter().enumerate().filter(|(i, _)| !gone.contains(&(*i as i64)));
        PartialShape::new(kept.map(|(_, &dim)| dim))
    });
    Ok(vec![kept.unwrap_or_default(); ctx.outputs])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let reducer = Scalars::of(node, "reducer")?;
    let given: Vec<i64> = node.attr("dimensions_to_reduce")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (run, count) = (ctx.run(), ctx.output_len());
        let inputs: Vec<Tensor> = (0..count).map(|i| ctx.take(i)).collect();
        let starts: Vec<Tensor> = (count..2 * count).map(|i| ctx.take(i)).collect();
        for (i, input) in inputs.iter().enumerate() {
            if input.shape() != inputs[0].shape() || starts[i].rank() != 0 {
                return Err(Error::invalid_argument(format!(
                    "Reduced tensors must have one shape and initial values must be scalars: {input:?}, {:?}",
                    starts[i]
                )));
            }
        }
        let gone = dims(&given, inputs[0].rank(), "dimensions_to_reduce")?;
        if gone.is_empty() {
            // The initial value is for what is reduced.
            inputs.into_iter().enumerate().for_each(|(i, input)| ctx.set(i, input));
            return Ok(());
        }
        let results = match reducer.formula().and_then(|formula| whole(formula, inputs[0].dtype())) {
            Some(op) => vec![at_once(&run, (&reducer, op), (&inputs[0], &starts[0]), &gone)?],
            None => match extremes(&reducer, (&inputs, &starts), &gone)? {
                Some(results) => results,
                None => one_by_one(&run, &reducer, (inputs, starts), &gone)?,
            },
        };
        results.into_iter().enumerate().for_each(|(i, result)| ctx.set(i, result));
        Ok(())
    }))
}

/// The operator that reduces by a formula, if there is one.
fn whole(formula: &str, dtype: DType) -> Option<&'static str> {
    let op = match formula {
        "Add(0,1)" | "AddV2(0,1)" | "Add(1,0)" | "AddV2(1,0)" => "Sum",
        "Mul(0,1)" | "Mul(1,0)" => "Prod",
        "Maximum(0,1)" => "Max",
        "Minimum(0,1)" => "Min",
        "LogicalAnd(0,1)" | "LogicalAnd(1,0)" => "All",
        "LogicalOr(0,1)" | "LogicalOr(1,0)" => "Any",
        _ => return None,
    };
    // Of narrow numbers each sum is rounded.
    let is_exact = !matches!(dtype, DType::Half | DType::Bfloat16) || matches!(op, "Max" | "Min");
    is_exact.then_some(op)
}

fn at_once(
    run: &Run<'_>,
    (reducer, op): (&Scalars, &str),
    (input, start): (&Tensor, &Tensor),
    gone: &[usize],
) -> Result<Tensor> {
    let input = &numbers(run, input, op)?;
    let reduced =
        call(run, op, &[("Tidx", AttrValue::Type(DType::Int64))], vec![input.clone(), vector(gone)])?;
    let (shape, len) = (reduced.shape().clone(), reduced.elements());
    let start = broadcast(run, start.clone(), &[len])?;
    let result = reducer.call(run, vec![start, reduced.reshape([len])?], &[input.dtype()])?;
    result[0].clone().reshape(shape)
}

/// A tensor with what changes no maximum or minimum in place of each NaN, which compiled functions pass over.
fn numbers(run: &Run<'_>, input: &Tensor, op: &str) -> Result<Tensor> {
    if !input.dtype().is_floating() || !matches!(op, "Max" | "Min") {
        return Ok(input.clone());
    }
    let is_nan = call(run, "IsNan", &[], vec![input.clone()])?;
    let end = if op == "Max" { f32::NEG_INFINITY } else { f32::INFINITY };
    let end = cast(run, Tensor::scalar(end), input.dtype())?;
    call(run, "SelectV2", &[], vec![is_nan, end, input.clone()])
}

/// The greatest or least single-precision numbers with their indices along neighbouring dimensions, if these are asked for.
fn extremes(
    reducer: &Scalars,
    (inputs, starts): (&[Tensor], &[Tensor]),
    gone: &[usize],
) -> Result<Option<Vec<Tensor>>> {
    let ([values, indices], [start, start_index]) = (inputs, starts) else { return Ok(None) };
    let Some(compare) = reducer.formulas().and_then(extreme) else { return Ok(None) };
    let (first, last) = (gone.iter().min().copied().unwrap_or(0), gone.iter().max().copied().unwrap_or(0));
    let is_usual = (values.dtype(), indices.dtype()) == (DType::Float, DType::Int32);
    if !is_usual || last - first + 1 != gone.len() {
        return Ok(None);
    }
    let shape = values.shape();
    let size = |dims: &[usize]| dims.iter().product::<usize>();
    let blocks = Blocks { lines: size(&shape[first..=last]), len: size(&shape[last + 1..]) };
    let out: Shape = shape[..first].iter().chain(&shape[last + 1..]).copied().collect();
    let mut best =
        vec![(start.to_scalar::<f32>()?, start_index.to_scalar::<i32>()?); out.checked_elements()?];
    let reduce = if compare == "Less" { extremes::reduce::<true> } else { extremes::reduce::<false> };
    reduce(values.as_slice()?, indices.as_slice()?, blocks, &mut best);
    let (values, indices): (Vec<f32>, Vec<i32>) = best.into_iter().unzip();
    Ok(Some(vec![Tensor::from_vec(out.clone(), values)?, Tensor::from_vec(out, indices)?]))
}

fn one_by_one(
    run: &Run<'_>,
    reducer: &Scalars,
    (inputs, starts): (Vec<Tensor>, Vec<Tensor>),
    gone: &[usize],
) -> Result<Vec<Tensor>> {
    let shape = inputs[0].shape().clone();
    let kept = others(shape.rank(), gone);
    let out: Vec<usize> = kept.iter().map(|&dim| shape[dim]).collect();
    let (count, len) = (gone.iter().map(|&dim| shape[dim]).product::<usize>(), out.iter().product::<usize>());
    let dtypes: Vec<DType> = inputs.iter().map(Tensor::dtype).collect();
    let mut gone = gone.to_vec();
    gone.sort_unstable();
    let order = [gone, kept].concat();
    let mut sums: Vec<Tensor> =
        starts.into_iter().map(|start| broadcast(run, start, &[len])).collect::<Result<_>>()?;
    let mut rows: Vec<Tensor> = Vec::new();
    for input in inputs {
        rows.push(transpose(run, input, &order)?.reshape([count, len])?);
    }
    let mut count = count;
    while count > 2 && len > 0 && reducer.formulas().and_then(extreme).is_some() {
        // Neighbours first, so that there are few calls.
        let half = count / 2;
        let pick = |row: &Tensor, odd: usize| {
            let pairs = walk::read(run, row, &[odd * len], &[(half, 2 * len as isize), (len, 1)])?;
            pairs.reshape([half * len])
        };
        let picked = [0, 1].map(|odd| rows.iter().map(|row| pick(row, odd)).collect::<Result<Vec<_>>>());
        let [first, second] = picked;
        let joined = reducer.call(run, [first?, second?].concat(), &dtypes)?;
        let odd = count % 2;
        for (row, joined) in rows.iter_mut().zip(joined) {
            let mut next = run.allocate(joined.dtype(), [half + odd, len])?;
            walk::write(&mut next, &joined, 0, &[(half * len, 1)])?;
            if odd == 1 {
                walk::write(&mut next, &row.row(count - 1)?, half * len, &[(len, 1)])?;
            }
            *row = next;
        }
        count = half + odd;
    }
    for i in 0..if len > 0 { count } else { 0 } {
        for row in &rows {
            sums.push(row.row(i)?);
        }
        sums = reducer.call(run, sums, &dtypes)?;
    }
    sums.into_iter().map(|sum| sum.reshape(out.clone())).collect()
}

/// How elements compare, if the greatest or least with its index is wanted, as JAX writes it: the order of calls makes no difference.
fn extreme(formulas: &[String]) -> Option<&'static str> {
    let [value, index] = formulas else { return None };
    ["Greater", "Less"].into_iter().find(|compare| {
        let better = format!("LogicalOr({compare}(0,2),NotEqual(0,0))");
        let first = format!("LogicalOr({better},LogicalAnd(Equal(0,2),Less(1,3)))");
        *value == format!("SelectV2({better},0,2)") && *index == format!("SelectV2({first},1,3)")
    })
}
