//! `StackV2`, `StackPushV2`, `StackPopV2`, `StackCloseV2` and their older forms.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{DType, Error, Handle, PartialShape, Result, Shape, Tensor};

/// They make a stack of tensors, put one on top (and pass it on), take the top off, and empty it for good.
///
/// A new stack is made each time; it is gone when nobody holds its handle. A negative `max_size` is none.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StackV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StackPushV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StackPopV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StackCloseV2>
pub const OPS: &[Op] = &[
    Op { name: "Stack", inputs: &[], outputs: &["handle: Ref(string)"], shape: shape::unknown, ..STACK },
    STACK,
    Op { name: "StackPush", inputs: &["handle: Ref(string)", "elem: T"], ..PUSH },
    PUSH,
    Op { name: "StackPop", inputs: &["handle: Ref(string)"], ..POP },
    POP,
    Op { name: "StackClose", inputs: &["handle: Ref(string)"], ..CLOSE },
    CLOSE,
];

const STACK: Op = Op {
    name: "StackV2",
    inputs: &["max_size: int32"],
    outputs: &["handle: resource"],
    attrs: &["elem_type: type", "stack_name: string = ''"],
    effect: Effect::Random,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

const PUSH: Op = Op {
    name: "StackPushV2",
    inputs: &["handle: resource", "elem: T"],
    outputs: &["output: T"],
    attrs: &["T: type", "swap_memory: bool = false"],
    effect: Effect::Write,
    shape: |ctx: &ShapeContext<'_>| Ok(vec![ctx.input(1)]),
    kernels: Kernels::one(build_push),
};

const POP: Op = Op {
    name: "StackPopV2",
    inputs: &["handle: resource"],
    outputs: &["elem: elem_type"],
    attrs: &["elem_type: type"],
    effect: Effect::Write,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::unknown()]),
    kernels: Kernels::one(build_pop),
};

const CLOSE: Op = Op {
    name: "StackCloseV2",
    inputs: &["handle: resource"],
    outputs: &[],
    attrs: &[],
    effect: Effect::Write,
    shape: shape::none,
    kernels: Kernels::one(build_close),
};

/// The resource: what lies on the stack, the top last; `None` once it is closed.
struct Stack {
    name: String,
    dtype: DType,
    max_size: Option<usize>,
    elements: Mutex<Option<Vec<Tensor>>>,
}

static MADE: AtomicU64 = AtomicU64::new(0);

impl Stack {
    /// Changes what lies on the stack.
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Tensor>) -> Result<T>) -> Result<T> {
        match &mut *self.elements.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(elements) => change(elements),
            None => Err(self.refuse("has already been closed.")),
        }
    }

    fn refuse(&self, what: &str) -> Error {
        Error::invalid_argument(format!("Stack[{}] {what}", self.name))
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("elem_type")?;
    let given: String = node.attr("stack_name")?;
    let prefix = if given.is_empty() { node.name.to_owned() } else { given };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let max_size = if ctx.input_len() == 0 { -1 } else { max_size(ctx.input(0))? };
        let name = format!("{prefix}_{}", MADE.fetch_add(1, Ordering::Relaxed));
        let elements = Mutex::new(Some(Vec::new()));
        let stack = Stack { name: name.clone(), dtype, max_size: usize::try_from(max_size).ok(), elements };
        let handle = Handle::new("_stacks", &name, Arc::new(stack));
        ctx.set(0, Tensor::from_handles(Shape::scalar(), vec![handle])?);
        Ok(())
    }))
}

fn max_size(size: &Tensor) -> Result<i32> {
    if size.rank() != 0 {
        let text = format!("Stack size must be a scalar, but had shape: {}", size.shape());
        return Err(Error::invalid_argument(text));
    }
    size.to_scalar()
}

fn build_push(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let element = ctx.take(1);
        let stack = ctx.resource::<Stack>(0)?;
        if element.dtype() != stack.dtype {
            return Err(Error::invalid_argument(format!(
                "Must have type {} but got {}",
                stack.dtype,
                element.dtype()
            )));
        }
        stack.change(|elements| match stack.max_size {
            Some(most) if elements.len() >= most => {
                Err(stack.refuse(&format!("overflowed its max_size ({most})")))
            }
            _ => {
                elements.push(element.clone());
                Ok(())
            }
        })?;
        ctx.set(0, element);
        Ok(())
    }))
}

fn build_pop(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("elem_type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let stack = ctx.resource::<Stack>(0)?;
        let top = stack
            .change(|elements| elements.pop().ok_or_else(|| stack.refuse("is empty when calling Pop().")))?;
        if top.dtype() != dtype {
            return Err(Error::internal(format!(
                "Output 0 of type {} does not match declared output type {dtype}",
                top.dtype()
            )));
        }
        ctx.set(0, top);
        Ok(())
    }))
}

fn build_close(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let stack = ctx.resource::<Stack>(0)?;
        *stack.elements.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};

    #[test]
    fn last_in_first_out() {
        let make = |op: usize, size: Option<&str>| {
            let test = OpTest::new(&OPS[op]).attr("elem_type", DType::Float).attr("stack_name", "s");
            size.iter()
                .fold(test, |test, size| test.input(parse_tensor(size)))
                .run()
                .map(|mut out| out.remove(0))
        };
        let call = |stack: &Tensor, op: usize, element: &str| {
            let test = OpTest::new(&OPS[op]).input(stack.clone());
            let test = if op < 4 { test.input(parse_tensor(element)) } else { test };
            let dtype = DType::from_name(element).unwrap_or(DType::Float);
            show(&if op == 4 || op == 5 { test.attr("elem_type", dtype) } else { test }.run())
        };
        let stack = make(1, Some("int32[] 2")).unwrap();
        assert_eq!(call(&stack, 3, "float[] 1"), "float[] 1");
        assert_eq!(call(&stack, 2, "float[2] 2 3"), "float[2] 2 3");
        assert!(call(&stack, 3, "float[] 1").ends_with("] overflowed its max_size (2)"));
        assert_eq!(call(&stack, 5, ""), "float[2] 2 3");
        assert_eq!(call(&stack, 3, "int8[] 1"), "INVALID_ARGUMENT: Must have type float but got int8");
        assert!(call(&stack, 5, "int8").starts_with("INTERNAL: Output 0 of type float"));
        assert!(call(&stack, 4, "").ends_with("] is empty when calling Pop()."));
        assert_eq!((call(&stack, 7, ""), call(&stack, 6, "")), (String::new(), String::new()));
        assert!(call(&stack, 5, "").ends_with("] has already been closed."));
        let unlimited = make(0, None).unwrap();
        assert_eq!(call(&unlimited, 2, "float[] 1"), "float[] 1");
        let error = make(1, Some("int32[1] 2")).unwrap_err();
        assert_eq!(error.message(), "Stack size must be a scalar, but had shape: [1]");
    }
}
