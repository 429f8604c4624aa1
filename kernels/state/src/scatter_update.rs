//! `ScatterUpdate`, `ScatterAdd` … and their forms for resource variables: rows of a variable, changed by index.

use half::{bf16, f16};
use num_complex::{Complex32, Complex64};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, by_dtype, dtypes, shape};
use savedmodel_tensor::{Error, Result, Tensor, Unit, by_unit};

use crate::arithmetic::Arithmetic;
use crate::scatter::Rows;
use crate::update::update;

/// Each changes the rows of a variable that its indices name; of repeated indices the last one stays (`Update`), or all
/// count, in order.
///
/// A scalar update goes to every element of the rows. All indices are checked before anything is written.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ScatterUpdate>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResourceScatterAdd>
pub const OPS: &[Op] = &[
    Op {
        kernels: Kernels::All(&[("T", dtypes::ALL)], build_update),
        attrs: UPDATE_REF,
        ..reference("ScatterUpdate")
    },
    reference("ScatterAdd"),
    reference("ScatterSub"),
    reference("ScatterMul"),
    reference("ScatterDiv"),
    Op { kernels: REAL_T, attrs: REAL_REF, ..reference("ScatterMin") },
    Op { kernels: REAL_T, attrs: REAL_REF, ..reference("ScatterMax") },
    Op {
        kernels: Kernels::All(&[("dtype", dtypes::ALL)], build_update),
        attrs: &["dtype: type", "Tindices: {int32, int64}"],
        ..resource("ResourceScatterUpdate")
    },
    resource("ResourceScatterAdd"),
    resource("ResourceScatterSub"),
    resource("ResourceScatterMul"),
    resource("ResourceScatterDiv"),
    Op { kernels: REAL_DTYPE, ..resource("ResourceScatterMin") },
    Op { kernels: REAL_DTYPE, ..resource("ResourceScatterMax") },
];

const UPDATE_REF: &[&str] = &["T: type", "Tindices: {int32, int64}", "use_locking: bool = true"];
const NUMBER: &str = "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, \
                      qint16, quint16, uint16, complex128, half, uint32, uint64}";
const NUMBER_REF: &[&str] = &[NUMBER, "Tindices: {int32, int64}", "use_locking: bool = false"];
const REAL_REF: &[&str] = &[
    "T: {half, bfloat16, float, double, int32, int64}",
    "Tindices: {int32, int64}",
    "use_locking: bool = false",
];
const NUMBER_RESOURCE: &[&str] = &[
    "dtype: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, \
     quint16, uint16, complex128, half, uint32, uint64}",
    "Tindices: {int32, int64}",
];

const REAL_T: Kernels = by_dtype!("T"; build_real: f32 f64 i32 i64; build_narrow: f16 bf16);
const REAL_DTYPE: Kernels =
    by_dtype!("dtype"; build_real: f32 f64 i32 i64 i8 i16 u8 u16 u32 u64; build_narrow: f16 bf16);

const fn reference(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["ref: Ref(T)", "indices: Tindices", "updates: T"],
        outputs: &["output_ref: Ref(T)"],
        attrs: NUMBER_REF,
        effect: Effect::Write,
        shape: shape::unknown,
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64),
    }
}

const fn resource(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["resource: resource", "indices: Tindices", "updates: dtype"],
        outputs: &[],
        attrs: NUMBER_RESOURCE,
        effect: Effect::Write,
        shape: shape::none,
        kernels: by_dtype!("dtype"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64),
    }
}

fn build<T: Arithmetic>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let combine: fn(T, T) -> T = match node.op.trim_start_matches("Resource") {
        "ScatterAdd" => T::plus,
        "ScatterSub" => T::minus,
        "ScatterMul" => T::times,
        _ => T::over,
    };
    let divides_integers = node.op.ends_with("Div") && !T::DTYPE.is_floating() && !T::DTYPE.is_complex();
    kernel(node, move |variable, rows, updates| {
        let updates = updates.as_slice::<T>()?;
        if divides_integers && updates.contains(&T::default()) {
            return Err(Error::invalid_argument("Integer division by zero"));
        }
        combine_rows(variable.as_mut_slice()?, rows, updates, combine);
        Ok(())
    })
}

fn build_real<T: Arithmetic + PartialOrd>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let least = node.op.ends_with("Min");
    kernel(node, move |variable, rows, updates| {
        let pick = |a: T, b: T| if least && b < a || !least && b > a { b } else { a }.flushed();
        combine_rows(variable.as_mut_slice()?, rows, updates.as_slice()?, pick);
        Ok(())
    })
}

fn build_narrow<T: Arithmetic + PartialOrd>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build_real::<T>(node)
}

fn combine_rows<T: Copy>(variable: &mut [T], rows: &Rows, updates: &[T], combine: impl Fn(T, T) -> T) {
    for (to, from) in rows.pairs() {
        match rows.broadcast {
            true => variable[to].iter_mut().for_each(|v| *v = combine(*v, updates[0])),
            false => variable[to].iter_mut().zip(&updates[from]).for_each(|(v, &u)| *v = combine(*v, u)),
        }
    }
}

fn build_update(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    fn replace<U: Unit>(variable: &mut Tensor, rows: &Rows, updates: &Tensor) -> Result<()> {
        let (variable, updates) = (variable.units_mut::<U>()?, updates.units::<U>()?);
        for (to, from) in rows.pairs() {
            match rows.broadcast {
                true => variable[to].fill(updates[0].clone()),
                false => variable[to].clone_from_slice(&updates[from]),
            }
        }
        Ok(())
    }
    kernel(
        node,
        |variable, rows, updates| by_unit!(updates.dtype(), U => replace::<U>(variable, rows, updates)),
    )
}

/// A kernel that changes rows; indices and shapes are checked before `change` is called.
fn kernel(
    node: &Construction<'_>,
    change: impl Fn(&mut Tensor, &Rows, &Tensor) -> Result<()> + Send + Sync + 'static,
) -> Result<Box<dyn Kernel>> {
    let resource = node.op.starts_with("Resource");
    let loose = resource && !node.op.ends_with("Update");
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        update(ctx, |ctx, variable| {
            let (indices, updates) = (ctx.input(1), ctx.input(2));
            if variable.dtype() != updates.dtype() {
                return Err(Error::invalid_argument(format!(
                    "updates are {}, the variable is {}",
                    updates.dtype(),
                    variable.dtype()
                )));
            }
            // Where there are no indices, operators of resources ask nothing of updates.
            if resource && indices.elements() == 0 && variable.rank() > 0 {
                return Ok(());
            }
            let rows = Rows::of(variable.shape(), indices, updates.shape(), loose)?;
            change(variable, &rows, updates)
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::Variable;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{DType, Handle, PartialShape};
    use std::sync::Arc;

    #[test]
    fn rows_change_and_bad_indices_change_nothing() {
        let check = |name: &str, indices: Vec<i32>, updates: Tensor, want: Result<Vec<i32>, &str>| {
            let op = OPS.iter().find(|op| op.name == name).unwrap();
            let variable = Arc::new(Variable::new("v", DType::Int32, PartialShape::unknown()));
            variable.assign(Tensor::from_vec([3, 2], vec![1, 2, 3, 4, 5, 6]).unwrap()).unwrap();
            let handle = Tensor::from_handles([], vec![Handle::new("", "v", Arc::clone(&variable))]).unwrap();
            let indices = Tensor::from_vec([indices.len()], indices).unwrap();
            let run = OpTest::new(op).input(handle).input(indices).input(updates).run();
            let now = variable.read().unwrap().as_slice::<i32>().unwrap().to_vec();
            match want {
                Ok(want) => assert_eq!((run.err(), now), (None, want), "{name}"),
                Err(text) => {
                    assert!(run.unwrap_err().message().contains(text), "{name}");
                    assert_eq!(now, [1, 2, 3, 4, 5, 6], "{name}");
                }
            }
        };
        let rows = |values: Vec<i32>| Tensor::from_vec([values.len() / 2, 2], values).unwrap();
        check("ScatterUpdate", vec![0, 0], rows(vec![7, 7, 8, 9]), Ok(vec![8, 9, 3, 4, 5, 6]));
        check("ResourceScatterAdd", vec![1, 1], rows(vec![1, 1, 1, 1]), Ok(vec![1, 2, 5, 6, 5, 6]));
        check("ScatterSub", vec![2], Tensor::scalar(1), Ok(vec![1, 2, 3, 4, 4, 5]));
        check("ResourceScatterMax", vec![0], rows(vec![0, 9]), Ok(vec![1, 9, 3, 4, 5, 6]));
        check("ScatterMin", vec![0], rows(vec![0, 9]), Ok(vec![0, 2, 3, 4, 5, 6]));
        check("ScatterDiv", vec![0], rows(vec![1, 0]), Err("division by zero"));
        check("ScatterMul", vec![0, 3], rows(vec![1, 1, 1, 1]), Err("indices[1] = 3 is not in [0, 3)"));
        check("ScatterAdd", vec![0], rows(vec![1, 1, 1, 1]), Err("updates.shape"));
    }
}
