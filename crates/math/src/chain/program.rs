//! Steps to instructions.

use super::{Function, Step};

/// A place in memory that instructions read and write, by number: operands first, then tiles, then the output.
pub(super) type Place = usize;

/// What is done to a whole tile before the next thing is.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    /// Instructions that hand an accumulator on.
    Registers(Vec<Instruction>),
    /// A function of many instructions, from one place to another.
    Long(Function, Place, Place),
}

/// What is done to the accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    Load(Place),
    Store(Place),
    /// `f(accumulator)`, of both operands if it takes two.
    Own(Function),
    /// `f(accumulator, place)`.
    Right(Function, Place),
    /// `f(place, accumulator)`.
    Left(Function, Place),
}

/// The segments of steps, and how many tiles they need besides the output.
pub(super) fn compile(operands: usize, steps: &[Step]) -> (Vec<Segment>, usize) {
    let (tiles, count) = tiles(operands, steps);
    let place = |number: usize| match number.checked_sub(operands) {
        None => number,
        Some(result) => tiles[result].map_or(operands + count, |tile| operands + tile),
    };
    let mut segments = Vec::new();
    let mut open: Vec<Instruction> = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let (number, [a, b]) = (operands + i, step.operands);
        if step.function.is_long() {
            if !open.is_empty() {
                segments.push(Segment::Registers(std::mem::take(&mut open)));
            }
            segments.push(Segment::Long(step.function, place(a), place(number)));
            continue;
        }
        // The accumulator holds the result before, if this segment made it.
        let held = |operand: usize| !open.is_empty() && operand + 1 == number;
        match step.function.operands() {
            1 if held(a) => open.push(Instruction::Own(step.function)),
            1 => open.extend([Instruction::Load(place(a)), Instruction::Own(step.function)]),
            _ if a == b && held(a) => open.push(Instruction::Own(step.function)),
            _ if held(a) => open.push(Instruction::Right(step.function, place(b))),
            _ if held(b) => open.push(Instruction::Left(step.function, place(a))),
            _ => open.extend([Instruction::Load(place(a)), Instruction::Right(step.function, place(b))]),
        }
        if is_stored(steps, number, i) {
            open.push(Instruction::Store(place(number)));
        }
    }
    if !open.is_empty() {
        segments.push(Segment::Registers(open));
    }
    (segments, count)
}

/// Whether a result is taken from memory: by a step that does not find it in the accumulator, or by the caller.
fn is_stored(steps: &[Step], number: usize, i: usize) -> bool {
    let Some((next, later)) = steps[i + 1..].split_first() else { return true };
    let takes = |step: &Step| step.taken().contains(&number);
    (next.function.is_long() && takes(next)) || later.iter().any(takes)
}

/// Which tile each result lies in that is written to memory, and how many there are; the last result is the output.
fn tiles(operands: usize, steps: &[Step]) -> (Vec<Option<usize>>, usize) {
    let mut tiles: Vec<Option<usize>> = Vec::with_capacity(steps.len());
    let (mut free, mut count) = (Vec::new(), 0);
    for (i, step) in steps.iter().enumerate() {
        let is_written = step.function.is_long() || is_stored(steps, operands + i, i);
        let tile = (is_written && i + 1 < steps.len()).then(|| {
            free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            })
        });
        tiles.push(tile);
        for (side, &operand) in step.taken().iter().enumerate() {
            let Some(result) = operand.checked_sub(operands) else { continue };
            let taken_later = steps[i + 1..].iter().any(|later| later.taken().contains(&operand));
            if !taken_later && !step.taken()[..side].contains(&operand) {
                free.extend(tiles[result]);
            }
        }
    }
    (tiles, count)
}
