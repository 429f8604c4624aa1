//! Instructions over tiles.

use smallvec::SmallVec;

use super::code::{Operation, Source};
use super::lanes::{self, Lanes};
use super::program::{Instruction, Segment};
use super::{Chain, Function, Operand, TILE};
use crate::simd::{self, Isa, Kernel, Level};
use crate::unary::{self, Pass, functions};

/// Runs a chain over part of the output, which begins at element `first`.
pub(super) fn part(chain: &Chain, operands: &[Operand<'_>], (first, stream): (usize, bool), out: &mut [f32]) {
    let spread = operands.iter().filter(|operand| operand.is_spread()).count();
    // Where all stays in registers, there is nothing that must stay in cache.
    let tile = if spread + chain.buffers == 0 { out.len().max(1) } else { TILE };
    let size = tile.min(out.len()).next_multiple_of(16);
    let mut memory: SmallVec<[f32; 1024]> = SmallVec::new();
    memory.resize(size * (spread + chain.buffers), 0.0);
    let mut scalars: SmallVec<[f32; 16]> = operands
        .iter()
        .map(|operand| match operand {
            Operand::Scalar(value) => *value,
            _ => 0.0,
        })
        .collect();
    for start in (0..out.len()).step_by(tile) {
        let len = tile.min(out.len() - start);
        let (mut spread, buffers) = memory.split_at_mut(size * spread);
        let mut places: SmallVec<[Source; 16]> = SmallVec::new();
        for (operand, scalar) in operands.iter().zip(&mut scalars) {
            let data: *mut f32 = match operand {
                // Operands are never written.
                Operand::Slice(data) => data[first + start..][..len].as_ptr().cast_mut(),
                Operand::Scalar(_) => scalar,
                _ => {
                    let (tile, rest) = std::mem::take(&mut spread).split_at_mut(size);
                    spread = rest;
                    operand.read(first + start, &mut tile[..len]);
                    tile.as_mut_ptr()
                }
            };
            let is_bound = matches!(operand, Operand::Scalar(value) if *value != 0.0 && !value.is_nan());
            places.push(Source { data, is_scalar: matches!(operand, Operand::Scalar(_)), is_bound });
        }
        for tile in buffers.chunks_exact_mut(size) {
            places.push(Source { data: tile.as_mut_ptr(), is_scalar: false, is_bound: false });
        }
        places.push(Source { data: out[start..start + len].as_mut_ptr(), is_scalar: false, is_bound: false });
        simd::dispatch(Tile { segments: &chain.segments, places: &places, len, stream });
    }
    if stream {
        lanes::fence();
    }
}

/// One tile; every place has `len` elements, or one that stands for all, and those that are written overlap no other.
struct Tile<'a> {
    segments: &'a [Segment],
    places: &'a [Source],
    len: usize,
    stream: bool,
}

impl Kernel for Tile<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for segment in self.segments {
            match segment {
                Segment::Long(function, from, to) => {
                    let (from, to) = (self.places[*from], self.places[*to]);
                    let taken = if from.is_scalar { 1 } else { self.len };
                    // SAFETY: both places hold so many elements, and what is written overlaps nothing.
                    let (src, dst) = unsafe {
                        (
                            std::slice::from_raw_parts(from.data, taken),
                            std::slice::from_raw_parts_mut(to.data, self.len),
                        )
                    };
                    long::<I>(*function, src, dst);
                }
                Segment::Registers(instructions) => match I::LEVEL {
                    // SAFETY: the level is that of the code that runs, so the processor has the registers.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => unsafe { self.registers::<std::arch::x86_64::__m512, 8>(instructions) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => unsafe { self.registers::<std::arch::x86_64::__m256, 8>(instructions) },
                    // SAFETY: plain Rust.
                    _ => unsafe { self.registers::<[f32; 4], 8>(instructions) },
                },
            }
        }
    }
}

impl Tile<'_> {
    /// The instructions over the tile, on `N` registers at a time as long as there are so many elements.
    ///
    /// # Safety
    /// The processor has the registers.
    #[inline(always)]
    unsafe fn registers<V: Lanes, const N: usize>(&self, instructions: &[Instruction]) {
        if self.len < V::LEN {
            // SAFETY: the caller has the registers.
            return unsafe { self.rest::<V>(instructions, 0) };
        }
        let operations = self.operations(instructions, self.places);
        let mut at = 0;
        // SAFETY: what is read and written lies below `len`; the caller has the registers.
        unsafe {
            while at + N * V::LEN <= self.len {
                block::<V, N>(&operations, at);
                at += N * V::LEN;
            }
            while at + 4 * V::LEN <= self.len {
                block::<V, 4>(&operations, at);
                at += 4 * V::LEN;
            }
            while at + V::LEN <= self.len {
                block::<V, 1>(&operations, at);
                at += V::LEN;
            }
            if at < self.len {
                self.rest::<V>(instructions, at);
            }
        }
    }

    /// The instructions on the last elements, fewer than a register holds.
    ///
    /// # Safety
    /// The processor has the registers.
    #[inline(always)]
    unsafe fn rest<V: Lanes>(&self, instructions: &[Instruction], at: usize) {
        let count = self.len - at;
        let mut copies: SmallVec<[[f32; 16]; 16]> = SmallVec::new();
        copies.resize(self.places.len(), [0.0; 16]);
        let mut places: SmallVec<[Source; 16]> = self.places.into();
        for (place, copy) in places.iter_mut().zip(&mut copies).filter(|(place, _)| !place.is_scalar) {
            // SAFETY: so many elements are there.
            unsafe { std::ptr::copy_nonoverlapping(place.data.add(at), copy.as_mut_ptr(), count) };
            place.data = copy.as_mut_ptr();
        }
        // SAFETY: every place has as many elements as a register; the caller has the registers.
        unsafe { block::<V, 1>(&self.operations(instructions, &places), 0) };
        for instruction in instructions {
            if let &Instruction::Store(place) = instruction {
                // SAFETY: so many elements are there, and places that are stored to are no operands.
                unsafe {
                    std::ptr::copy_nonoverlapping(places[place].data, self.places[place].data.add(at), count);
                }
            }
        }
    }

    fn operations(&self, instructions: &[Instruction], places: &[Source]) -> SmallVec<[Operation; 32]> {
        instructions.iter().map(|&instruction| Operation::new(instruction, places, self.stream)).collect()
    }
}

/// Operations on `N` registers from element `at` on.
///
/// # Safety
/// The processor has the registers, and the elements are there.
#[inline(always)]
unsafe fn block<V: Lanes, const N: usize>(operations: &[Operation], at: usize) {
    // SAFETY: promised by the caller.
    unsafe {
        let mut own = [V::splat(0.0); N];
        for operation in operations {
            operation.run(&mut own, at);
        }
    }
}

/// A function of many instructions; one element of `src` stands for all.
#[inline(always)]
fn long<I: Isa>(function: Function, src: &[f32], dst: &mut [f32]) {
    if src.len() < dst.len() {
        let (first, rest) = dst.split_at_mut(1);
        long_slices::<I>(function, src, first);
        return rest.fill(first[0]);
    }
    long_slices::<I>(function, src, dst);
}

#[inline(always)]
fn long_slices<I: Isa>(function: Function, src: &[f32], dst: &mut [f32]) {
    match function {
        Function::Cos => pass::<functions::Cos, I>(src, dst),
        Function::Elu => pass::<functions::Elu, I>(src, dst),
        Function::Erf => pass::<functions::Erf, I>(src, dst),
        Function::Erfc => pass::<functions::Erfc, I>(src, dst),
        Function::Exp => pass::<functions::Exp, I>(src, dst),
        Function::Expm1 => pass::<functions::Expm1, I>(src, dst),
        Function::Log => pass::<functions::Log, I>(src, dst),
        Function::Log1p => pass::<functions::Log1p, I>(src, dst),
        Function::Selu => pass::<functions::Selu, I>(src, dst),
        Function::Sigmoid => pass::<functions::Sigmoid, I>(src, dst),
        Function::Sin => pass::<functions::Sin, I>(src, dst),
        Function::Softplus => pass::<functions::Softplus, I>(src, dst),
        Function::Softsign => pass::<functions::Softsign, I>(src, dst),
        Function::Tanh => pass::<functions::Tanh, I>(src, dst),
        _ => dst.copy_from_slice(src),
    }
}

#[inline(always)]
fn pass<F: unary::Function<f32>, I: Isa>(src: &[f32], dst: &mut [f32]) {
    Pass::<F, f32>(src, dst, std::marker::PhantomData).run::<I>();
}
