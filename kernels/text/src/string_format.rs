//! `StringFormat`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape, summary};
use savedmodel_tensor::{Bytes, Error, Result, Shape, Tensor};

/// Puts tensors, as text, in the place of placeholders of a template.
///
/// Of each dimension the first and the last `summarize` elements are shown, all if it is -1.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringFormat>.
pub const OP: Op = Op {
    name: "StringFormat",
    inputs: &["inputs: T"],
    outputs: &["output: string"],
    attrs: &[
        "T: list(type) >= 0",
        "template: string = '%s'",
        "placeholder: string = '%s'",
        "summarize: int = 3",
    ],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (template, placeholder): (Bytes, Bytes) = (node.attr("template")?, node.attr("placeholder")?);
    let summarize = node.int32("summarize")?;
    let parts = split(&template, &placeholder);
    if parts.len() - 1 != node.inputs.len() {
        return Err(Error::invalid_argument(format!(
            "num placeholders in template and num inputs must match: {} vs. {}",
            parts.len() - 1,
            node.inputs.len()
        )));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut text = parts[0].to_vec();
        for (input, part) in ctx.inputs(0).zip(&parts[1..]) {
            text.extend(summary::ends(input, summarize)?);
            text.extend(part);
        }
        ctx.set(0, Tensor::from_strings(Shape::scalar(), [text])?);
        Ok(())
    }))
}

/// The template between placeholders; an empty placeholder stands between any two bytes.
fn split(template: &Bytes, placeholder: &[u8]) -> Vec<Bytes> {
    if placeholder.is_empty() {
        let bytes: Vec<Bytes> = template.chunks(1).map(|byte| template.slice_ref(byte)).collect();
        return if bytes.is_empty() { vec![Bytes::new()] } else { bytes };
    }
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at < template.len() {
        if template[at..].starts_with(placeholder) {
            parts.push(template.slice(start..at));
            at += placeholder.len();
            start = at;
        } else {
            at += 1;
        }
    }
    parts.push(template.slice(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Attrs, run, strings, vector};

    #[test]
    fn formatted() {
        let check =
            |inputs: &[Tensor], attrs: Attrs<'_>, want: &str| assert_eq!(run(&OP, attrs, inputs), want);
        let numbers = vector(&[1, 2, 3, 4, 5, 6, 7]);
        check(std::slice::from_ref(&numbers), vec![], "[1 2 3 ... 5 6 7]");
        check(&[numbers], vec![("summarize", (-1).into())], "[1 2 3 4 5 6 7]");
        let two = vec![("template", "a {} b {} c".into()), ("placeholder", "{}".into())];
        check(&[Tensor::scalar(1.5_f32), strings(&["x"])], two, "a 1.5 b [\"x\"] c");
        check(&[], vec![("template", "abc".into())], "abc");
        let mismatch = "INVALID_ARGUMENT: num placeholders in template and num inputs must match: 0 vs. 1";
        check(&[Tensor::scalar(1)], vec![("template", "a".into())], mismatch);
        let every = vec![("template", "xy".into()), ("placeholder", "".into())];
        check(&[Tensor::scalar(1)], every, "x1y");
    }
}
