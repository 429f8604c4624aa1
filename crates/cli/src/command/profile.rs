//! `savedmodel profile`.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use indicatif::ProgressBar;
use savedmodel::profile::{self, Snapshot, StepTime, limits};
use savedmodel::{DType, Shape};
use savedmodel_tensor::Result;
use serde_json::{Value, json};

use super::call::Call;
use crate::arguments::{Profile, Rounding};
use crate::file::whole;
use crate::print;

/// Records calls and tells where their time goes.
///
/// # Errors
/// Those of files, model and run.
pub fn run(arguments: Profile) -> Result<()> {
    let call = Call::read(arguments.ask)?;
    let precision = arguments.load.settings.precision;
    let model = arguments.load.open()?;
    let (prepared, snapshots) = profile::record_passes(|| {
        let prepared = call.prepare(&model)?;
        prepared.call().map(|_| prepared)
    });
    let prepared = prepared?;
    if let Some(folder) = &arguments.dump {
        dump(folder, &snapshots)?;
    }
    let rounded = (precision == Rounding::Bf16).then(limits::rounded_flops).flatten();
    let machine = Machine { flops: rounded.unwrap_or_else(limits::flops), bandwidth: limits::bandwidth() };
    let mut summary = Summary { runs: arguments.runs, ..Summary::default() };
    let mut last = Vec::new();
    let bar = ProgressBar::new(arguments.runs.into());
    for _ in 0..arguments.runs {
        let (outputs, steps) = profile::record(|| prepared.call());
        outputs?;
        summary.add(&steps);
        last = steps;
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(path) = &arguments.trace {
        whole::write(path, |out| Ok(write!(out, "{}", trace(&last))?))?;
    }
    let most = arguments.steps;
    print::out(&if arguments.json { summary.json(machine, most) } else { summary.text(machine, most) })
}

/// Writes what passes left, one file for each that changed something.
fn dump(folder: &Path, snapshots: &[Snapshot]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut number = 0;
    let mut before: Option<&Snapshot> = None;
    for snapshot in snapshots {
        let is_same = before.is_some_and(|before| before.text == snapshot.text);
        number = if before.is_some_and(|before| before.program == snapshot.program) { number + 1 } else { 0 };
        before = Some(snapshot);
        if !is_same {
            let stage = snapshot.stage.replace("::", "-");
            let path = folder.join(format!("{:03}-{number:02}-{stage}.txt", snapshot.program));
            whole::write(&path, |out| Ok(out.write_all(snapshot.text.as_bytes())?))?;
        }
    }
    Ok(())
}

/// What one thread of the machine can do at most.
#[derive(Clone, Copy)]
struct Machine {
    flops: f64,
    bandwidth: f64,
}

/// Time and work of all runs.
#[derive(Clone, Debug, Default)]
struct Cost {
    calls: u64,
    /// For each run, what its calls took together.
    times: Vec<Duration>,
    flops: f64,
    bytes: f64,
    /// The dtypes and shapes of the first call.
    shapes: String,
}

impl Cost {
    /// What a run takes: the median, as some runs are interrupted.
    fn time(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

#[derive(Default)]
struct Summary {
    runs: u32,
    total: Cost,
    operators: IndexMap<String, Cost>,
    /// By node and operator.
    steps: IndexMap<(String, String), Cost>,
}

impl Summary {
    fn add(&mut self, steps: &[StepTime]) {
        let own = own_times(steps);
        self.total.times.push(own.iter().sum());
        let run = self.total.times.len() - 1;
        for (step, own) in steps.iter().zip(own) {
            let (flops, bytes) = work(step);
            let node = (step.node.to_string(), step.op.to_string());
            for cost in
                [self.operators.entry(step.op.to_string()).or_default(), self.steps.entry(node).or_default()]
            {
                cost.calls += 1;
                cost.times.resize(run + 1, Duration::ZERO);
                cost.times[run] += own;
                cost.flops += flops;
                cost.bytes += bytes;
                if cost.shapes.is_empty() {
                    cost.shapes = format!("{} → {}", shapes(&step.inputs), shapes(&step.outputs));
                }
            }
        }
    }

    fn share(&self, cost: &Cost) -> f64 {
        cost.time().as_secs_f64() / self.total.time().as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn text(&self, machine: Machine, most: usize) -> String {
        let runs = f64::from(self.runs);
        let figures = |cost: &Cost| {
            let seconds = cost.time().as_secs_f64().max(1e-12);
            let (flops, bytes) = (cost.flops / runs / seconds, cost.bytes / runs / seconds);
            let limit = (flops / machine.flops).max(bytes / machine.bandwidth);
            [
                format!("{:.1}", cost.calls as f64 / runs),
                format!("{:.4}", seconds * 1e3),
                format!("{:.1}%", self.share(cost) * 100.0),
                if flops > 0.0 { format!("{:.1}", flops / 1e9) } else { String::new() },
                format!("{:.1}", bytes / 1e9),
                format!("{:.0}%", limit * 100.0),
            ]
        };
        let mut operators =
            print::table(["operator", "calls", "ms", "share", "GFLOP/s", "GB/s", "of the limit"]);
        for (op, cost) in sorted(&self.operators) {
            operators.add_row(std::iter::once(op.clone()).chain(figures(cost)));
        }
        let mut steps = print::table([
            "step",
            "operator",
            "calls",
            "ms",
            "share",
            "GFLOP/s",
            "GB/s",
            "of the limit",
            "shapes",
        ]);
        for ((node, op), cost) in sorted(&self.steps).into_iter().take(most) {
            let names = [shortened(node, 48), op.clone()];
            let shapes = shortened(&cost.shapes, 72);
            steps.add_row(names.into_iter().chain(figures(cost)).chain([shapes]));
        }
        format!(
            "{operators}\n{steps}\n{:.4} ms a call in steps, median of {}; one thread's limits: {:.0} GFLOP/s, {:.1} GB/s\n",
            self.total.time().as_secs_f64() * 1e3,
            self.runs,
            machine.flops / 1e9,
            machine.bandwidth / 1e9
        )
    }

    fn json(&self, machine: Machine, most: usize) -> String {
        let runs = f64::from(self.runs);
        let row = |cost: &Cost| {
            json!({
                "calls": cost.calls as f64 / runs,
                "ms": cost.time().as_secs_f64() * 1e3,
                "share": self.share(cost),
                "flop": cost.flops / runs,
                "bytes": cost.bytes / runs,
                "shapes": cost.shapes,
            })
        };
        let with = |names: Value, cost: &Cost| {
            let mut object = names;
            object
                .as_object_mut()
                .into_iter()
                .for_each(|o| o.extend(row(cost).as_object().cloned().unwrap_or_default()));
            object
        };
        let operators: Vec<Value> = sorted(&self.operators)
            .into_iter()
            .map(|(op, cost)| with(json!({"operator": op}), cost))
            .collect();
        let steps: Vec<Value> = sorted(&self.steps)
            .into_iter()
            .take(most)
            .map(|((node, op), cost)| with(json!({"node": node, "operator": op}), cost))
            .collect();
        let limits = json!({"flops": machine.flops, "bytes_per_second": machine.bandwidth});
        let all = json!({
            "runs": self.runs,
            "ms_per_call": self.total.time().as_secs_f64() * 1e3,
            "limits_of_one_thread": limits,
            "operators": operators,
            "steps": steps,
        });
        format!("{all}\n")
    }
}

/// The time of each step without that of the steps inside it, which come before it and are one deeper.
fn own_times(steps: &[StepTime]) -> Vec<Duration> {
    let mut inside = Vec::<Duration>::new();
    steps
        .iter()
        .map(|step| {
            inside.resize(inside.len().max(step.depth + 2), Duration::ZERO);
            inside[step.depth] += step.duration;
            step.duration.saturating_sub(std::mem::take(&mut inside[step.depth + 1]))
        })
        .collect()
}

/// Floating-point operations, of operators that are known for them, and bytes in and out.
fn work(step: &StepTime) -> (f64, f64) {
    let size = |(dtype, shape): &(DType, Shape)| shape.elements() as f64 * dtype.size().unwrap_or(0) as f64;
    (2.0 * products(step).unwrap_or(0.0), step.inputs.iter().chain(&step.outputs).map(size).sum())
}

/// Multiplications of operators that are products of matrices or windows.
fn products(step: &StepTime) -> Option<f64> {
    let input = |i: usize| step.inputs.get(i).map(|(_, shape)| shape);
    let elements = |shape: &Shape| shape.elements() as f64;
    let last =
        |shape: &Shape, from_end: usize| Some(*shape.dims().get(shape.rank().checked_sub(from_end)?)? as f64);
    let (first, weights, out) = (input(0)?, input(1)?, &step.outputs.first()?.1);
    let per_window = |filter: &Shape| Some(elements(filter) / last(filter, 1)?.max(1.0));
    Some(match step.op.strip_prefix("_Fused").unwrap_or(&step.op) {
        "MatMul" | "BatchMatMul" | "BatchMatMulV2" | "BatchMatMulV3" => {
            elements(out) * last(weights, 1)? * last(weights, 2)? / last(out, 1)?.max(1.0)
        }
        "Conv2D" | "Conv3D" => elements(out) * per_window(weights)?,
        "Conv2DBackpropInput" | "Conv3DBackpropInputV2" => elements(input(2)?) * per_window(weights)?,
        "DepthwiseConv2dNative" | "DepthwiseConv2dExplicit" => {
            elements(out) * last(weights, 4)? * last(weights, 3)?
        }
        "ExpandedDepthwiseConv2d" => {
            let taps = input(3)?;
            elements(first) * last(weights, 1)? + elements(out) * last(taps, 4)? * last(taps, 3)?
        }
        _ => return None,
    })
}

fn sorted<K>(costs: &IndexMap<K, Cost>) -> Vec<(&K, &Cost)> {
    let mut rows: Vec<_> = costs.iter().collect();
    rows.sort_by_cached_key(|(_, cost)| std::cmp::Reverse(cost.time()));
    rows
}

fn shapes(tensors: &[(DType, Shape)]) -> String {
    let texts: Vec<String> = tensors.iter().map(|(dtype, shape)| format!("{dtype}{shape}")).collect();
    texts.join(" ")
}

/// The end of a long name says more than its beginning.
fn shortened(name: &str, most: usize) -> String {
    let len = name.chars().count();
    if len <= most {
        return name.to_owned();
    }
    std::iter::once('…').chain(name.chars().skip(len + 1 - most)).collect()
}

/// The steps in the Trace Event Format.
fn trace(steps: &[StepTime]) -> Value {
    let event = |step: &StepTime| {
        json!({
            "name": &*step.op,
            "cat": "step",
            "ph": "X",
            "ts": step.start.as_secs_f64() * 1e6,
            "dur": step.duration.as_secs_f64() * 1e6,
            "pid": 1,
            "tid": 1,
            "args": {"node": &*step.node, "inputs": shapes(&step.inputs), "outputs": shapes(&step.outputs)},
        })
    };
    json!({"traceEvents": steps.iter().map(event).collect::<Vec<_>>(), "displayTimeUnit": "ns"})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(op: &str, depth: usize, millis: u64, inputs: &[&[usize]], output: &[usize]) -> StepTime {
        let float = |dims: &[usize]| (DType::Float, Shape::from(dims));
        StepTime {
            node: op.into(),
            op: op.into(),
            depth,
            start: Duration::ZERO,
            duration: Duration::from_millis(millis),
            inputs: inputs.iter().map(|dims| float(dims)).collect(),
            outputs: vec![float(output)],
        }
    }

    #[test]
    fn steps_inside_are_counted_once() {
        let steps = [
            step("A", 1, 2, &[], &[]),
            step("B", 1, 3, &[], &[]),
            step("Call", 0, 9, &[], &[]),
            step("C", 0, 1, &[], &[]),
        ];
        assert_eq!(own_times(&steps), [2, 3, 4, 1].map(Duration::from_millis));
    }

    #[test]
    fn work_is_counted() {
        let check = |op, a: &[usize], b: &[usize], out: &[usize], flops| {
            assert_eq!(work(&step(op, 0, 1, &[a, b], out)).0, flops, "{op}");
        };
        check("MatMul", &[2, 3], &[3, 5], &[2, 5], 60.0);
        check("BatchMatMulV2", &[7, 2, 3], &[3, 5], &[7, 2, 5], 420.0);
        check("Conv2D", &[1, 4, 4, 3], &[2, 2, 3, 8], &[1, 3, 3, 8], 2.0 * 12.0 * 72.0);
        check("DepthwiseConv2dNative", &[1, 4, 4, 3], &[2, 2, 3, 1], &[1, 3, 3, 3], 2.0 * 4.0 * 27.0);
        check("_FusedDepthwiseConv2dExplicit", &[1, 4, 4, 3], &[2, 2, 3, 1], &[1, 3, 3, 3], 2.0 * 4.0 * 27.0);
        check("AddV2", &[2], &[2], &[2], 0.0);
        check("Conv2D", &[], &[], &[], 0.0);
        let check = |op, inputs: &[&[usize]], out: &[usize], flops| {
            assert_eq!(work(&step(op, 0, 1, inputs, out)).0, flops, "{op}");
        };
        let inputs: [&[usize]; 3] = [&[4], &[2, 2, 5, 3], &[1, 4, 4, 3]];
        check("Conv2DBackpropInput", &inputs, &[1, 8, 8, 5], 2.0 * 48.0 * 20.0);
        let inputs: [&[usize]; 5] = [&[1, 4, 4, 3], &[1, 1, 3, 6], &[6], &[3, 3, 6, 1], &[6]];
        check("_FusedExpandedDepthwiseConv2d", &inputs, &[1, 4, 4, 6], 2.0 * (48.0 * 6.0 + 96.0 * 9.0));
        assert_eq!(work(&step("AddV2", 0, 1, &[&[2], &[2]], &[2])).1, 24.0);
    }
}
