//! See [`OP`].

use std::fs::OpenOptions;
use std::io::Write;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result};

/// Writes a string to standard error (the logs, too), standard output, or the end of a file (`file://path`).
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/PrintV2>
pub const OP: Op = Op {
    name: "PrintV2",
    inputs: &["input: string"],
    outputs: &[],
    attrs: &["output_stream: string = 'stderr'", "end: string = '\\n'"],
    effect: Effect::External,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (stream, end): (String, String) = (node.attr("output_stream")?, node.attr("end")?);
    let logs = ["stderr", "log(info)", "log(warning)", "log(error)"];
    let is_known = stream == "stdout" || stream.starts_with("file://") || logs.contains(&stream.as_str());
    if !is_known {
        return Err(Error::invalid_argument(format!(
            "Unknown output stream: {stream}, Valid streams are: stdout stderr log(info) log(warning) log(error)"
        )));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        if input.rank() != 0 {
            let text = format!("Input is expected to be scalar, but got {}", input.shape());
            return Err(Error::invalid_argument(text));
        }
        let text = [&input.strings()?[0][..], end.as_bytes()].concat();
        match (stream.as_str(), stream.strip_prefix("file://")) {
            ("stdout", _) => std::io::stdout().write_all(&text)?,
            (_, Some(path)) => OpenOptions::new().append(true).create(true).open(path)?.write_all(&text)?,
            _ => std::io::stderr().write_all(&text)?,
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "PrintV2";
        let path = std::env::temp_dir().join(format!("savedmodel_print_v2_{}", std::process::id()));
        let attrs: &'static str = format!("output_stream=file://{} end=!", path.display()).leak();
        check_rows(
            OPS,
            &[
                (op, attrs, "string[] 'a'", ""),
                (
                    op,
                    "output_stream=nowhere",
                    "string[] 'a'",
                    "INVALID_ARGUMENT: Unknown output stream: nowhere",
                ),
                (op, attrs, "string[1] 'a'", "INVALID_ARGUMENT: Input is expected to be scalar, but got [1]"),
                (op, "output_stream=file:///nowhere/at/all", "string[] 'a'", "NOT_FOUND: "),
            ],
        );
        let written = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(written, "a!a!");
    }
}
