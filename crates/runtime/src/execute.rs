//! The executor.

use std::cell::Cell;
use std::sync::Arc;

use savedmodel_op::{Context, InputRef, Source, Value, Variable};
use savedmodel_tensor::{DType, Error, Result, Tensor};
use smallvec::SmallVec;

use crate::environment::{LazyFunction, Unit};
use crate::plan::{Action, Frame, Place, Plan, Step, While};
use crate::profile;

/// How deep functions may call each other; deeper is a recursion that would exhaust the thread's stack.
const MAX_DEPTH: usize = 150;

type Values = SmallVec<[Value; 6]>;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs a plan on this thread: the values of its feeds in, those of its fetches out; `name` says what a fetch is.
///
/// # Errors
/// The first error of a step, with the places that it passed; `INVALID_ARGUMENT` when a fetch is on a branch that was
/// not taken.
pub(crate) fn run(
    unit: &Arc<Unit>,
    plan: &Plan,
    feeds: Vec<Tensor>,
    name: impl Fn(usize) -> String,
) -> Result<Vec<Tensor>> {
    let mut executor =
        Executor { unit, stack: Vec::with_capacity(plan.slots), is_recorded: profile::is_on() };
    let values = executor.plan(plan, feeds.into_iter().map(Value::Tensor))?;
    values
        .into_iter()
        .enumerate()
        .map(|(i, mut value)| {
            let dead = || Error::invalid_argument(format!("Retval[{i}] does not have value"));
            value.take().ok_or_else(|| dead().at(format!("{}, on a branch that was not taken", name(i))))
        })
        .collect()
}

/// What the fetches of a function's plan are called.
pub(crate) fn result(i: usize) -> String {
    format!("result {i}")
}

struct Executor<'e> {
    unit: &'e Arc<Unit>,
    /// The slots of the running plan, above those of the plans that called it.
    stack: Vec<Value>,
    is_recorded: bool,
}

impl Executor<'_> {
    fn plan(&mut self, plan: &Plan, feeds: impl Iterator<Item = Value>) -> Result<Values> {
        self.nested(plan, |executor, base| {
            executor.feed(plan, base, feeds);
            executor.steps(plan, base)?;
            Ok(plan.fetches.iter().map(|&fetch| executor.pass(plan, base, fetch)).collect())
        })
    }

    /// Does something with slots for a plan, which are above those of the plan that runs.
    fn nested(
        &mut self,
        plan: &Plan,
        work: impl FnOnce(&mut Self, usize) -> Result<Values>,
    ) -> Result<Values> {
        let depth = DEPTH.get();
        if depth >= MAX_DEPTH {
            return Err(Error::resource_exhausted(format!(
                "functions call each other more than {MAX_DEPTH} deep"
            )));
        }
        DEPTH.set(depth + 1);
        let base = self.stack.len();
        self.stack.resize_with(base + plan.slots, Value::default);
        let values = work(self, base);
        self.stack.truncate(base);
        DEPTH.set(depth);
        values
    }

    fn feed(&mut self, plan: &Plan, base: usize, feeds: impl Iterator<Item = Value>) {
        for (value, slot) in feeds.zip(&plan.feeds) {
            if let Some(slot) = *slot {
                self.stack[base + slot as usize] = value;
            }
        }
    }

    fn steps(&mut self, plan: &Plan, base: usize) -> Result<()> {
        for (i, step) in plan.steps.iter().enumerate() {
            if step.may_die && self.is_dead(plan, step, base) {
                let slots = &mut self.stack[base..];
                step.outputs.iter().chain(&step.token).for_each(|&slot| slots[slot as usize] = Value::Dead);
            } else if self.is_recorded {
                self.recorded(plan, i, base)?;
            } else {
                self.step(plan, step, base).map_err(|error| self.at(plan, i, base, error))?;
            }
            for &slot in &step.clears {
                self.stack[base + slot as usize] = Value::Empty;
            }
        }
        Ok(())
    }

    #[cold]
    fn recorded(&mut self, plan: &Plan, i: usize, base: usize) -> Result<()> {
        let (step, place) = (&plan.steps[i], &plan.places[i]);
        let describe = |tensor: &Tensor| (tensor.dtype(), tensor.shape().clone());
        let inputs = step.inputs.iter().filter_map(|&input| self.value(plan, base, input).map(describe));
        let running = profile::begin(inputs.collect());
        let done = self.step(plan, step, base);
        let outputs = step.outputs.iter().filter_map(|&slot| self.stack[base + slot as usize].tensor());
        running.end(&place.node, &place.op, outputs.map(describe).collect());
        done.map_err(|error| self.at(plan, i, base, error))
    }

    fn is_dead(&self, plan: &Plan, step: &Step, base: usize) -> bool {
        let dead = |slot: u32| self.stack[base + slot as usize].is_dead();
        if matches!(step.action, Action::Merge) {
            return step.inputs.iter().all(|&input| self.value(plan, base, input).is_none());
        }
        step.guards.iter().any(|&guard| dead(guard))
            || step.inputs.iter().any(|input| matches!(input.source, Source::Slot(slot) if dead(slot)))
    }

    fn step(&mut self, plan: &Plan, step: &Step, base: usize) -> Result<()> {
        match &step.action {
            Action::Op(kernel) => {
                let slots = &mut self.stack[base..base + plan.slots];
                let run = self.unit.env.run();
                kernel.compute(&mut Context::new(slots, &plan.constants, &step.inputs, &step.outputs, run))
            }
            Action::Load => {
                let tensor = self.tensor(plan, base, step.inputs[0])?;
                let value = match tensor.handles()? {
                    [handle] => handle.get::<Variable>().map(Variable::read),
                    _ => None,
                };
                let value =
                    value.ok_or_else(|| Error::invalid_argument("a reference points to no variable"))??;
                self.set(base, step.outputs[0], Value::Tensor(value));
                Ok(())
            }
            Action::Call(function) => {
                let arguments = self.arguments(plan, step, base, 0);
                self.call(function, arguments, step, base)
            }
            Action::If(branches) => {
                let taken = is_true(self.tensor(plan, base, step.inputs[0])?)?;
                let arguments = self.arguments(plan, step, base, 1);
                self.call(&branches[usize::from(!taken)], arguments, step, base)
            }
            Action::Case(branches) => {
                let index = self.tensor(plan, base, step.inputs[0])?.to_scalar::<i32>()?;
                let last = branches.len() - 1;
                let index = usize::try_from(index).ok().filter(|&index| index <= last).unwrap_or(last);
                let arguments = self.arguments(plan, step, base, 1);
                self.call(&branches[index], arguments, step, base)
            }
            Action::While(repeated) => self.repeat(plan, step, base, repeated),
            Action::Frame(frame) => self.frame(plan, step, base, frame),
            Action::Switch => {
                let taken = self.tensor(plan, base, step.inputs[1])?;
                check_switch(taken)?;
                let taken = taken.to_scalar::<bool>()?;
                let value = self.pass(plan, base, step.inputs[0]);
                self.set(base, step.outputs[usize::from(taken)], value);
                self.set(base, step.outputs[usize::from(!taken)], Value::Dead);
                Ok(())
            }
            Action::Merge => {
                let alive = step.inputs.iter().position(|&input| self.value(plan, base, input).is_some());
                let alive = alive.ok_or_else(|| Error::internal("no input of a Merge is alive"))?;
                let value = self.pass(plan, base, step.inputs[alive]);
                self.set(base, step.outputs[0], value);
                self.set(base, step.outputs[1], Value::Tensor(Tensor::scalar(alive as i32)));
                Ok(())
            }
        }
    }

    /// Runs a function and puts its results into the outputs of the step that calls it.
    fn call(&mut self, function: &LazyFunction, arguments: Values, step: &Step, base: usize) -> Result<()> {
        let results = self.apply(function, arguments)?;
        if results.len() != step.outputs.len() {
            return Err(Error::invalid_argument(format!(
                "function '{}' gives {} results where {} are expected",
                function.name(),
                results.len(),
                step.outputs.len()
            )));
        }
        for (value, &slot) in results.into_iter().zip(&step.outputs) {
            self.set(base, slot, value);
        }
        Ok(())
    }

    fn apply(&mut self, function: &LazyFunction, arguments: Values) -> Result<Values> {
        let plan = Arc::clone(function.plan(self.unit)?);
        check_arguments(&plan, &arguments)?;
        self.plan(&plan, arguments.into_iter())
            .map_err(|error| error.at(format!("function '{}'", function.name())))
    }

    fn repeat(&mut self, plan: &Plan, step: &Step, base: usize, repeated: &While) -> Result<()> {
        let mut variables = self.arguments(plan, step, base, 0);
        loop {
            let mut results = self.apply(&repeated.condition, variables.clone())?;
            let go_on = match results.first_mut().and_then(Value::take) {
                Some(tensor) => repeated.goes_on(&tensor)?,
                None => return Err(Error::invalid_argument("the condition of a While gives nothing")),
            };
            if !go_on {
                break;
            }
            if repeated.is_joined {
                variables = self.turns(repeated, variables)?;
                break;
            }
            variables = self.apply(&repeated.body, variables)?;
            if variables.len() != step.outputs.len() {
                return Err(Error::invalid_argument(
                    "the body of a While gives another number of loop variables",
                ));
            }
        }
        for (value, &slot) in variables.into_iter().zip(&step.outputs) {
            self.set(base, slot, value);
        }
        Ok(())
    }

    /// Runs a body that ends with the condition until that gives false. All turns use the same slots.
    fn turns(&mut self, repeated: &While, variables: Values) -> Result<Values> {
        let body = &repeated.body;
        let plan = Arc::clone(body.plan(self.unit)?);
        check_arguments(&plan, &variables)?;
        let handing = Handing::new(&plan);
        let turned = self.nested(&plan, |executor, base| {
            executor.feed(&plan, base, variables.into_iter());
            while executor.turn(&plan, base, repeated)? {
                executor.hand_on(&plan, base, &handing);
            }
            Ok(plan.fetches[1..].iter().map(|&fetch| executor.pass(&plan, base, fetch)).collect())
        });
        turned.map_err(|error| error.at(format!("function '{}'", body.name())))
    }

    /// One turn of a loop; whether there is to be another.
    fn turn(&mut self, plan: &Plan, base: usize, repeated: &While) -> Result<bool> {
        self.steps(plan, base)?;
        repeated.goes_on(self.tensor(plan, base, plan.fetches[0])?)
    }

    /// Puts what a turn gave to where the next one takes it from.
    fn hand_on(&mut self, plan: &Plan, base: usize, handing: &Handing) {
        if handing.is_direct {
            for &(fetch, feed) in &handing.pairs {
                let value = self.pass(plan, base, fetch);
                self.set(base, feed, value);
            }
            return;
        }
        let next: Values = handing.pairs.iter().map(|&(fetch, _)| self.pass(plan, base, fetch)).collect();
        for (value, &(_, feed)) in next.into_iter().zip(&handing.pairs) {
            self.set(base, feed, value);
        }
    }

    fn frame(&mut self, plan: &Plan, step: &Step, base: usize, frame: &Frame) -> Result<()> {
        let mut entered = self.arguments(plan, step, base, 0);
        let constants: Values = entered.drain(frame.variables..).collect();
        let mut variables = entered;
        let mut exits: Values = std::iter::repeat_with(|| Value::Dead).take(frame.exits).collect();
        for iteration in 0_u64.. {
            let from_next = Value::Tensor(Tensor::scalar(i32::from(iteration > 0)));
            let indices = frame.value_indices.iter().map(|_| from_next.clone());
            let feeds = variables.into_iter().chain(indices).chain(constants.iter().cloned());
            let mut results = self
                .plan(&frame.body, feeds)
                .map_err(|error| error.at(format!("loop '{}', iteration {iteration}", frame.name)))?;
            for (exit, value) in exits.iter_mut().zip(results.drain(frame.variables..)) {
                if !value.is_dead() {
                    *exit = value;
                }
            }
            let alive = results.iter().filter(|value| !value.is_dead()).count();
            if alive == 0 {
                break;
            }
            if alive < results.len() {
                return Err(Error::invalid_argument(format!(
                    "loop '{}' goes on with some variables only",
                    frame.name
                )));
            }
            variables = results;
        }
        for (value, &slot) in exits.into_iter().zip(&step.outputs) {
            self.set(base, slot, value);
        }
        Ok(())
    }

    fn set(&mut self, base: usize, slot: u32, value: Value) {
        self.stack[base + slot as usize] = value;
    }

    fn value<'s>(&'s self, plan: &'s Plan, base: usize, input: InputRef) -> Option<&'s Tensor> {
        match input.source {
            Source::Slot(slot) => self.stack[base + slot as usize].tensor(),
            Source::Constant(constant) => plan.constants.get(constant as usize),
        }
    }

    fn tensor<'s>(&'s self, plan: &'s Plan, base: usize, input: InputRef) -> Result<&'s Tensor> {
        self.value(plan, base, input).ok_or_else(|| Error::internal("a step runs before its input was made"))
    }

    /// An input as it is, dead or alive; moved if nothing reads it afterwards.
    fn pass(&mut self, plan: &Plan, base: usize, input: InputRef) -> Value {
        match input.source {
            Source::Constant(constant) => Value::Tensor(plan.constants[constant as usize].clone()),
            Source::Slot(slot) if input.last_use => std::mem::take(&mut self.stack[base + slot as usize]),
            Source::Slot(slot) => self.stack[base + slot as usize].clone(),
        }
    }

    fn arguments(&mut self, plan: &Plan, step: &Step, base: usize, start: usize) -> Values {
        let inputs = &step.inputs[start..];
        let passed_later = |i: usize| inputs[i + 1..].iter().any(|other| other.source == inputs[i].source);
        inputs
            .iter()
            .enumerate()
            .map(|(i, &input)| {
                let last_use = input.last_use && !passed_later(i);
                self.pass(plan, base, InputRef { last_use, ..input })
            })
            .collect()
    }

    #[cold]
    fn at(&self, plan: &Plan, step: usize, base: usize, error: Error) -> Error {
        let Place { node, op, inputs: dtypes } = &plan.places[step];
        let describe = |(i, &input): (usize, &InputRef)| match self.value(plan, base, input) {
            Some(tensor) => tensor.describe(),
            None => dtypes.get(i).map_or_else(|| "?".to_owned(), |dtype| format!("{dtype}[…]")),
        };
        let inputs: Vec<String> = plan.steps[step].inputs.iter().enumerate().map(describe).collect();
        match inputs.is_empty() {
            true => error.at(format!("node '{node}' ({op})")),
            false => error.at(format!("node '{node}' ({op}) with inputs {}", inputs.join(", "))),
        }
    }
}

/// What the turns of a loop hand on.
struct Handing {
    /// Where each value lies after a turn, and where the next turn takes it from.
    pairs: SmallVec<[(InputRef, u32); 8]>,
    /// Whether no value would be written over before it is handed on itself.
    is_direct: bool,
}

impl Handing {
    fn new(plan: &Plan) -> Handing {
        // What a turn hands on as it is lies there already.
        let stays = |fetch: &InputRef, feed: u32| fetch.source == Source::Slot(feed) && fetch.last_use;
        let pairs = plan.fetches[1..].iter().zip(&plan.feeds);
        let pairs: SmallVec<[(InputRef, u32); 8]> = pairs
            .filter_map(|(&fetch, &feed)| feed.filter(|&feed| !stays(&fetch, feed)).map(|feed| (fetch, feed)))
            .collect();
        let is_direct = pairs.iter().enumerate().all(|(i, &(_, feed))| {
            pairs[i + 1..].iter().all(|(fetch, _)| fetch.source != Source::Slot(feed))
        });
        Handing { pairs, is_direct }
    }
}

fn check_arguments(plan: &Plan, arguments: &[Value]) -> Result<()> {
    if arguments.len() != plan.feed_infos.len() {
        return Err(Error::invalid_argument(format!(
            "{} arguments for a function that takes {}",
            arguments.len(),
            plan.feed_infos.len()
        )));
    }
    for (value, info) in arguments.iter().zip(&plan.feed_infos) {
        match (value.tensor(), info.dtype) {
            (Some(tensor), Some(want)) if tensor.dtype() != want => {
                return Err(Error::invalid_argument(format!(
                    "argument {} must be {want}, got {}",
                    info.name,
                    tensor.describe()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

impl While {
    /// Whether what the condition gave means another turn.
    fn goes_on(&self, given: &Tensor) -> Result<bool> {
        if self.wants_scalar {
            check_switch(given)?;
        }
        is_true(given)
    }
}

/// Checks what a `Switch` is told.
fn check_switch(given: &Tensor) -> Result<()> {
    match given.rank() {
        0 => Ok(()),
        _ => Err(Error::invalid_argument(format!(
            "The second input must be a scalar, but it has shape {}",
            given.shape()
        ))),
    }
}

/// TensorFlow's truth: a scalar that is not zero (not empty, for strings), or a tensor with any elements.
fn is_true(tensor: &Tensor) -> Result<bool> {
    if tensor.rank() > 0 {
        return Ok(tensor.elements() > 0);
    }
    Ok(match tensor.dtype() {
        DType::String => tensor.strings()?.iter().any(|string| !string.is_empty()),
        DType::Float => tensor.to_scalar::<f32>()? != 0.0,
        DType::Double => tensor.to_scalar::<f64>()? != 0.0,
        other => match tensor.bytes() {
            Some(bytes) if !other.is_floating() && !other.is_complex() => bytes.iter().any(|&byte| byte != 0),
            _ => return Err(Error::invalid_argument(format!("{other} can't be converted to a boolean"))),
        },
    })
}
