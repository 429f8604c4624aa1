//! Which slot a value lies in, and when it may go.

use savedmodel_op::{InputRef, Source};

use crate::plan::{Action, Place, Step};

/// A value of a plan in the making: each is made once.
pub(crate) type ValueId = usize;

/// Where a step in the making takes an input from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Value(ValueId),
    Constant(u32),
}

/// A step in the making.
pub(crate) struct Draft {
    pub action: Action,
    pub inputs: Vec<Operand>,
    pub outputs: Vec<ValueId>,
    pub may_die: bool,
    pub guards: Vec<ValueId>,
    pub token: Option<ValueId>,
    pub place: Place,
}

/// Steps with slots, and where feeds and fetches lie.
pub(crate) struct Assigned {
    pub steps: Vec<Step>,
    pub places: Vec<Place>,
    pub slots: usize,
    pub feeds: Vec<Option<u32>>,
    pub fetches: Vec<InputRef>,
}

/// Gives every value a slot; slots are used again once nothing reads what they held.
pub(crate) fn assign(drafts: Vec<Draft>, values: usize, feeds: &[ValueId], fetches: &[Operand]) -> Assigned {
    let last = last_reads(&drafts, values, fetches);
    let mut slots = Slots { of: vec![None; values], free: Vec::new(), count: 0 };
    let feed_slots: Vec<Option<u32>> =
        feeds.iter().map(|&feed| (last[feed] != Last::Never).then(|| slots.take(feed))).collect();
    let (mut steps, mut places) = (Vec::with_capacity(drafts.len()), Vec::with_capacity(drafts.len()));
    for (index, draft) in drafts.into_iter().enumerate() {
        let ends = |value: ValueId| last[value] == Last::Step(index);
        let inputs = draft.inputs.iter().map(|&operand| slots.input(operand, ends)).collect();
        let guards = draft.guards.iter().map(|&guard| slots.get(guard)).collect();
        // Outputs get slots before the inputs' are free: a kernel may write one while it still reads another.
        let outputs: Box<[u32]> = draft.outputs.iter().map(|&value| slots.take(value)).collect();
        let token = draft.token.map(|token| slots.take(token));
        let mut clears = Vec::new();
        let read = draft.inputs.iter().filter_map(|operand| match operand {
            Operand::Value(value) => Some(*value),
            Operand::Constant(_) => None,
        });
        for value in read.chain(draft.guards.iter().copied()).filter(|&value| ends(value)) {
            slots.release(value, &mut clears);
        }
        let made = draft.outputs.iter().copied().chain(draft.token);
        for value in made.filter(|&value| last[value] == Last::Never) {
            slots.release(value, &mut clears);
        }
        let (action, may_die) = (draft.action, draft.may_die);
        steps.push(Step { action, inputs, outputs, may_die, guards, token, clears: clears.into() });
        places.push(draft.place);
    }
    let fetches = fetch_refs(&slots, fetches);
    Assigned { steps, places, slots: slots.count, feeds: feed_slots, fetches }
}

#[derive(Clone, Copy, PartialEq)]
enum Last {
    Never,
    Step(usize),
    Fetch,
}

fn last_reads(drafts: &[Draft], values: usize, fetches: &[Operand]) -> Vec<Last> {
    let mut last = vec![Last::Never; values];
    for (index, draft) in drafts.iter().enumerate() {
        for operand in &draft.inputs {
            if let Operand::Value(value) = *operand {
                last[value] = Last::Step(index);
            }
        }
        draft.guards.iter().for_each(|&guard| last[guard] = Last::Step(index));
    }
    for fetch in fetches {
        if let Operand::Value(value) = *fetch {
            last[value] = Last::Fetch;
        }
    }
    last
}

/// A fetch moves its value out, unless a later fetch wants the same.
fn fetch_refs(slots: &Slots, fetches: &[Operand]) -> Vec<InputRef> {
    let is_last = |i: usize| !fetches[i + 1..].contains(&fetches[i]);
    fetches.iter().enumerate().map(|(i, &operand)| slots.input(operand, |_| is_last(i))).collect()
}

struct Slots {
    of: Vec<Option<u32>>,
    free: Vec<u32>,
    count: usize,
}

impl Slots {
    fn take(&mut self, value: ValueId) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            (self.count - 1) as u32
        });
        self.of[value] = Some(slot);
        slot
    }

    fn get(&self, value: ValueId) -> u32 {
        self.of[value].expect("values are made before they are read")
    }

    fn input(&self, operand: Operand, ends: impl Fn(ValueId) -> bool) -> InputRef {
        match operand {
            Operand::Constant(constant) => InputRef { source: Source::Constant(constant), last_use: false },
            Operand::Value(value) => {
                InputRef { source: Source::Slot(self.get(value)), last_use: ends(value) }
            }
        }
    }

    fn release(&mut self, value: ValueId, clears: &mut Vec<u32>) {
        let slot = self.get(value);
        if !clears.contains(&slot) {
            clears.push(slot);
            self.free.push(slot);
        }
    }
}
