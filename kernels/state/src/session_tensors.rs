//! `GetSessionHandle`, `GetSessionHandleV2`, `GetSessionTensor` and `DeleteSessionTensor`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Resource, Run, shape};
use savedmodel_tensor::{Bytes, DType, Error, Handle, Result, Tensor};

/// They keep a tensor in the session under a name of its own, give the tensor of a name, and forget it.
///
/// A name is the node's, a number that counts up, and the device, with semicolons between. Other runs of the session find
/// the tensor until it is deleted; TensorFlow keeps it only if the run fetched the handle, and not yet in the same run.
/// `INVALID_ARGUMENT` for a handle that is no scalar or that the session does not have, `INTERNAL` when its tensor is of
/// another dtype than is wanted.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/GetSessionHandle>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/GetSessionHandleV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/GetSessionTensor>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DeleteSessionTensor>
pub const OPS: &[Op] = &[
    KEEP,
    Op { name: "GetSessionHandleV2", outputs: &["handle: resource"], ..KEEP },
    Op {
        name: "GetSessionTensor",
        inputs: &["handle: string"],
        outputs: &["value: dtype"],
        attrs: &["dtype: type"],
        effect: Effect::Read,
        shape: shape::unknown,
        kernels: Kernels::one(build_get),
    },
    Op {
        name: "DeleteSessionTensor",
        inputs: &["handle: string"],
        outputs: &[],
        attrs: &[],
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::one(build_delete),
    },
];

const KEEP: Op = Op {
    name: "GetSessionHandle",
    inputs: &["value: T"],
    outputs: &["handle: string"],
    attrs: &["T: type"],
    effect: Effect::Write,
    shape: shape::scalar,
    kernels: Kernels::one(build_keep),
};

const DEVICE: &str = "/job:localhost/replica:0/task:0/device:CPU:0";

/// The tensors that a session keeps, by name, and how many it has ever kept.
#[derive(Default)]
struct SessionTensors(Mutex<(HashMap<Bytes, Tensor>, u64)>);

impl Resource for SessionTensors {
    fn fork(&self) -> Option<SessionTensors> {
        Some(SessionTensors(Mutex::new(self.with(|kept| kept.clone()))))
    }
}

impl SessionTensors {
    fn of(run: &Run<'_>) -> Result<Arc<SessionTensors>> {
        run.resources.get_or_create("", "session tensors", || Ok(SessionTensors::default()))
    }

    fn with<T>(&self, change: impl FnOnce(&mut (HashMap<Bytes, Tensor>, u64)) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn build_keep(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let is_resource = node.op() == "GetSessionHandleV2";
    let name = node.name.to_owned();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let value = ctx.take(0);
        let kept = SessionTensors::of(&ctx.run())?;
        let handle = kept.with(|(tensors, made)| {
            let handle = Bytes::from(format!("{name};{made};{DEVICE}"));
            *made += 1;
            if !is_resource {
                tensors.insert(handle.clone(), value.clone());
            }
            handle
        });
        let output = match is_resource {
            true => {
                let handle = String::from_utf8_lossy(&handle);
                Tensor::from_handles([], vec![Handle::new("", &handle, Arc::new(value))])?
            }
            false => Tensor::from_strings([], vec![handle])?,
        };
        ctx.set(0, output);
        Ok(())
    }))
}

fn build_get(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let handle = handle(ctx)?;
        let tensor = SessionTensors::of(&ctx.run())?.with(|(tensors, _)| tensors.get(&handle).cloned());
        let tensor = tensor.ok_or_else(|| {
            let handle = String::from_utf8_lossy(&handle);
            Error::invalid_argument(format!("The tensor with handle '{handle}' is not in the session store."))
        })?;
        if tensor.dtype() != dtype {
            return Err(Error::internal(format!(
                "Output 0 of type {} does not match declared output type {dtype}",
                tensor.dtype()
            )));
        }
        ctx.set(0, tensor);
        Ok(())
    }))
}

fn build_delete(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let handle = handle(ctx)?;
        match SessionTensors::of(&ctx.run())?.with(|(tensors, _)| tensors.remove(&handle)) {
            Some(_) => Ok(()),
            None => Err(Error::invalid_argument(format!(
                "Failed to delete a tensor with handle '{}' in the session store.",
                String::from_utf8_lossy(&handle)
            ))),
        }
    }))
}

fn handle(ctx: &Context<'_>) -> Result<Bytes> {
    match ctx.input(0).strings()? {
        [handle] if ctx.input(0).rank() == 0 => Ok(handle.clone()),
        _ => Err(Error::invalid_argument("handle must be scalar")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};

    #[test]
    fn kept_until_deleted() {
        let resources = ResourceManager::new();
        let call = |op: usize, input: &str| {
            show(&OpTest::new(&OPS[op]).resources(&resources).input(parse_tensor(input)).run())
        };
        let get = |dtype: DType, input: &str| {
            let test = OpTest::new(&OPS[2]).resources(&resources).attr("dtype", dtype);
            show(&test.input(parse_tensor(input)).run())
        };
        let names = [0, 1].map(|n| format!("string[] 'test;{n};{DEVICE}'"));
        assert_eq!(call(0, "float[2] 1 2"), names[0]);
        assert_eq!(call(0, "int32[] 3"), names[1]);
        assert_eq!(get(DType::Float, &names[0]), "float[2] 1 2");
        assert!(get(DType::Float, &names[1]).starts_with("INTERNAL: Output 0 of type int32"));
        assert_eq!(get(DType::Float, "string[1] 'a'"), "INVALID_ARGUMENT: handle must be scalar");
        assert_eq!(call(3, &names[0]), "");
        for answer in [call(3, &names[0]), get(DType::Float, &names[0])] {
            assert!(answer.starts_with("INVALID_ARGUMENT: "), "{answer}");
        }
        assert_eq!(get(DType::Int32, &names[1]), "int32[] 3");
        assert!(OpTest::new(&OPS[1]).input(parse_tensor("float[] 1")).run().unwrap()[0].handles().is_ok());
    }
}
