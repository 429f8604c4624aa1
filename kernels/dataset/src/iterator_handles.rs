//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_proto::{Message, ResourceHandleProto};
use savedmodel_tensor::{Bytes, Error, Handle, Result, Shape, Tensor};

use crate::iterator::{Components, Iterator};

/// The handle of an iterator as text, which older models are fed to choose where rows come from, and back.
///
/// The text is TensorFlow's, for the device that there is. It names iterators that have a name of their own.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IteratorToStringHandle>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IteratorFromStringHandleV2>
pub const OPS: &[Op] = &[
    Op {
        name: "IteratorToStringHandle",
        inputs: &["resource_handle: resource"],
        outputs: &["string_handle: string"],
        attrs: &[],
        kernels: Kernels::one(build_to),
        ..FROM
    },
    FROM,
    Op { name: "IteratorFromStringHandleV2", ..FROM },
];

const FROM: Op = Op {
    name: "IteratorFromStringHandle",
    inputs: &["string_handle: string"],
    outputs: &["resource_handle: resource"],
    attrs: &["output_types: list(type) >= 0 = []", "output_shapes: list(shape) >= 0 = []"],
    effect: Effect::Read,
    shape: shape::scalar,
    kernels: Kernels::one(build_from),
};

const DEVICE: &str = "/job:localhost/replica:0/task:0/device:CPU:0";
/// What a container without a name is called.
const CONTAINER: &str = "localhost";
const TYPE: &str = "N10tensorflow4data16IteratorResourceE";
/// The C++ library's hash of the type's name.
const TYPE_HASH: u64 = 0x7bc3_69f8_e489_467d;

fn build_to(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        ctx.resource::<Iterator>(0)?;
        let handle = &ctx.input(0).handles()?[0];
        let (container, name) = (handle.container(), handle.name());
        let known = ctx.run().resources.find::<Iterator>(container, name);
        if !known.is_some_and(|iterator| handle.same(&Handle::new(container, name, iterator))) {
            return Err(Error::unimplemented("the handle of an iterator without a name as text"));
        }
        let container = if container.is_empty() { CONTAINER } else { container };
        let message = ResourceHandleProto {
            device: DEVICE.into(),
            container: container.into(),
            name: name.into(),
            hash_code: TYPE_HASH,
            maybe_type_name: TYPE.into(),
            ..Default::default()
        };
        ctx.set(0, Tensor::from_strings(Shape::scalar(), vec![Bytes::from(message.encode_to_vec())])?);
        Ok(())
    }))
}

fn build_from(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let wanted = Components::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let handle = ctx.input(0);
        let ([text], 0) = (handle.strings()?, handle.rank()) else {
            return Err(Error::invalid_argument("string_handle must be a scalar"));
        };
        let message = ResourceHandleProto::decode(text.clone()).map_err(|_| {
            Error::invalid_argument("Could not parse string_handle as a valid ResourceHandle")
        })?;
        if message.device != DEVICE {
            return Err(Error::invalid_argument(format!(
                "Attempted create an iterator on device \"{DEVICE}\" from handle defined on device \"{}\"",
                message.device
            )));
        }
        if message.hash_code != TYPE_HASH {
            return Err(Error::invalid_argument(format!(
                "Trying to access a handle's resource using the wrong type: {}",
                message.maybe_type_name
            )));
        }
        let container = if message.container == CONTAINER { "" } else { &*message.container };
        let found = ctx.run().resources.find::<Iterator>(container, &message.name);
        let iterator = found.ok_or_else(|| {
            Error::not_found(format!("Resource {}/{} does not exist.", message.container, message.name))
        })?;
        check(&wanted, &iterator.components)?;
        let handle = Handle::new(container, &message.name, iterator);
        ctx.set(0, Tensor::from_handles(Shape::scalar(), vec![handle])?);
        Ok(())
    }))
}

/// Compares what is wanted, if anything, with what there is.
fn check(wanted: &Components, found: &Components) -> Result<()> {
    if !wanted.types.is_empty() && wanted.types.len() != found.types.len()
        || !wanted.shapes.is_empty() && wanted.shapes.len() != found.shapes.len()
    {
        return Err(Error::invalid_argument(format!(
            "Number of components does not match: expected {} but got {}.",
            wanted.types.len().max(wanted.shapes.len()),
            found.types.len()
        )));
    }
    let mut types = wanted.types.iter().zip(&found.types).enumerate();
    if let Some((i, (wanted, found))) = types.find(|(_, (wanted, found))| wanted != found) {
        return Err(Error::invalid_argument(format!(
            "Data type mismatch at component {i}: expected {wanted} but got {found}."
        )));
    }
    let mut shapes = wanted.shapes.iter().zip(&found.shapes).enumerate();
    match shapes.find(|(_, (wanted, found))| wanted.merge(found).is_none()) {
        Some((i, (wanted, found))) => Err(Error::invalid_argument(format!(
            "Incompatible shapes at component {i}: expected {wanted} but got {found}."
        ))),
        None => Ok(()),
    }
}
