//! `ReaderNumRecordsProduced`, `ReaderNumWorkUnitsCompleted`, `ReaderReset`, `ReaderSerializeState` and
//! `ReaderRestoreState`, in both versions.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::reader::Reader;

/// They tell what a reader has read, let it begin anew, and write and take its state.
///
/// Only readers of whole files and of the strings themselves have a state that can be written.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReaderNumRecordsProducedV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReaderNumWorkUnitsCompletedV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReaderResetV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReaderSerializeStateV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReaderRestoreStateV2>
pub const OPS: &[Op] = &[
    asks("ReaderNumRecordsProduced", &["reader_handle: Ref(string)"], &["records_produced: int64"], produced),
    asks("ReaderNumRecordsProducedV2", &["reader_handle: resource"], &["records_produced: int64"], produced),
    asks(
        "ReaderNumWorkUnitsCompleted",
        &["reader_handle: Ref(string)"],
        &["units_completed: int64"],
        completed,
    ),
    asks(
        "ReaderNumWorkUnitsCompletedV2",
        &["reader_handle: resource"],
        &["units_completed: int64"],
        completed,
    ),
    asks("ReaderSerializeState", &["reader_handle: Ref(string)"], &["state: string"], save),
    asks("ReaderSerializeStateV2", &["reader_handle: resource"], &["state: string"], save),
    changes("ReaderReset", &["reader_handle: Ref(string)"], reset),
    changes("ReaderResetV2", &["reader_handle: resource"], reset),
    changes("ReaderRestoreState", &["reader_handle: Ref(string)", "state: string"], restore),
    changes("ReaderRestoreStateV2", &["reader_handle: resource", "state: string"], restore),
];

type Build = fn(&Construction<'_>) -> Result<Box<dyn Kernel>>;
type Names = &'static [&'static str];

const fn asks(name: &'static str, inputs: Names, outputs: Names, build: Build) -> Op {
    let (effect, kernels) = (Effect::Read, Kernels::one(build));
    Op { name, inputs, outputs, attrs: &[], effect, shape: shape::scalar, kernels }
}

const fn changes(name: &'static str, inputs: Names, build: Build) -> Op {
    let (effect, kernels) = (Effect::Write, Kernels::one(build));
    Op { name, inputs, outputs: &[], attrs: &[], effect, shape: shape::none, kernels }
}

fn produced(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let [produced, _] = ctx.resource::<Reader>(0)?.counts();
        ctx.set(0, Tensor::scalar(produced));
        Ok(())
    }))
}

fn completed(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let [_, completed] = ctx.resource::<Reader>(0)?.counts();
        ctx.set(0, Tensor::scalar(completed));
        Ok(())
    }))
}

fn save(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let state = ctx.resource::<Reader>(0)?.save()?;
        ctx.set(0, Tensor::from_strings([], [state])?);
        Ok(())
    }))
}

fn reset(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        ctx.resource::<Reader>(0)?.reset();
        Ok(())
    }))
}

fn restore(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| match (ctx.input(1).rank(), ctx.input(1).strings()?) {
        (0, [state]) => ctx.resource::<Reader>(0)?.restore(state),
        _ => Err(Error::invalid_argument(format!(
            "Reader state must be scalar, but had shape: {}",
            ctx.input(1).shape()
        ))),
    }))
}

#[cfg(test)]
mod tests {
    use crate::reader::cases::Reading;

    #[test]
    fn counts_and_states() {
        let reading = Reading::of("IdentityReaderV2", &[], &[b"", b"", b""]);
        let call = |name: &str, inputs: &str| reading.call(name, inputs);
        let counts = || call("ReaderNumRecordsProducedV2", "") + &call("ReaderNumWorkUnitsCompletedV2", "");
        assert_eq!(counts(), "int64[] 0int64[] 0");
        call("ReaderReadV2", "");
        assert_eq!(counts(), "int64[] 1int64[] 1");
        assert_eq!(call("ReaderResetV2", ""), "");
        assert_eq!(call("ReaderSerializeStateV2", ""), "string[] ''");
        assert_eq!(call("ReaderRestoreStateV2", "string[] '\u{8}\u{2}\u{10}\u{2}\u{18}\u{5}'"), "");
        assert_eq!(counts(), "int64[] 5int64[] 2");
        let begun = "INVALID_ARGUMENT: Inconsistent work started vs. finished";
        assert!(call("ReaderRestoreStateV2", "string[] '\u{8}\u{2}'").starts_with(begun));
        assert_eq!(counts(), "int64[] 0int64[] 0");
        assert!(
            call("ReaderRestoreStateV2", "string[] 'z'")
                .starts_with("INVALID_ARGUMENT: Could not parse state")
        );
        assert!(
            call("ReaderRestoreStateV2", "string[1] ''")
                .starts_with("INVALID_ARGUMENT: Reader state must be")
        );
        let lines = Reading::of("TextLineReaderV2", &[], &[]);
        assert_eq!(lines.call("ReaderSerializeStateV2", ""), "UNIMPLEMENTED: Reader SerializeState");
        assert_eq!(lines.call("ReaderRestoreStateV2", "string[] ''"), "UNIMPLEMENTED: Reader RestoreState");
    }
}
