//! See [`OP`].

use std::sync::atomic::{AtomicI64, Ordering};

use savedmodel_op::summary::first;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::Result;

/// Writes a message and the first elements of its data to standard error, and passes its input on.
///
/// It does so for the first `first_n` times that the plan runs; always if that is negative.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Print>
pub const OP: Op = Op {
    name: "Print",
    inputs: &["input: T", "data: U"],
    outputs: &["output: T"],
    attrs: &[
        "T: type",
        "U: list(type) >= 0",
        "message: string = ''",
        "first_n: int = -1",
        "summarize: int = 3",
    ],
    effect: Effect::External,
    shape: shape::unchanged,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (message, most): (String, i64) = (node.attr("message")?, node.int32("summarize")?);
    let left = AtomicI64::new(node.attr("first_n")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let count = |left: i64| (left > 0).then(|| left - 1);
        let is_due = left.load(Ordering::Relaxed) < 0
            || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).is_ok();
        if is_due {
            eprintln!("{}", line(ctx, &message, most)?);
        }
        let input = ctx.take(0);
        ctx.set(0, input);
        Ok(())
    }))
}

fn line(ctx: &Context<'_>, message: &str, most: i64) -> Result<String> {
    let mut text = message.to_owned();
    for tensor in ctx.inputs(1) {
        text += &format!("[{}]", String::from_utf8_lossy(&first(tensor, most)?));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{check_rows, parse_tensor};
    use savedmodel_op::{InputRef, Limits, ResourceManager, Run, Source, Value};

    #[test]
    fn passes_its_input_on() {
        let row = ("Print", "first_n=0", "float[2] 1 2; int32[] 3", "float[2] 1 2");
        check_rows(crate::OPS, &[row]);
    }

    #[test]
    fn lines() {
        let data = ["float[] 0", "int32[4] 1 2 3 4", "string[] 'a'", "float[1,2] 1.5 2"];
        let mut slots: Vec<Value> = data.iter().map(|text| Value::Tensor(parse_tensor(text))).collect();
        let inputs: Vec<InputRef> =
            (0..slots.len() as u32).map(|i| InputRef { source: Source::Slot(i), last_use: false }).collect();
        let (resources, limits) = (ResourceManager::new(), Limits::default());
        let run = Run { resources: &resources, limits: &limits };
        let ctx = Context::new(&mut slots, &[], &inputs, &[], run);
        assert_eq!(line(&ctx, "m ", 3).unwrap(), "m [1 2 3...][a][[1.5 2]]");
    }
}
