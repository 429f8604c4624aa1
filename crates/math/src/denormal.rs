//! The thread's treatment of denormal numbers.
//!
//! TensorFlow runs its kernels with denormal inputs and results flushed to zero. [`flush`] puts the calling thread into
//! that mode until the guard is dropped, and [`crate::par`] carries the mode into its tasks. On processors other than
//! x86-64 the guard does nothing.

use std::marker::PhantomData;

/// A thread's denormal mode, as read by [`mode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(u32);

/// Restores the thread's former mode when dropped.
#[derive(Debug)]
#[must_use]
pub struct Guard {
    before: Mode,
    changed: bool,
    not_send: PhantomData<*const ()>,
}

/// Flushes denormal inputs and results to zero on this thread while the guard lives.
///
/// ```
/// let tiny = std::hint::black_box(f32::MIN_POSITIVE);
/// let _guard = savedmodel_math::denormal::flush();
/// # #[cfg(target_arch = "x86_64")]
/// assert_eq!(tiny * std::hint::black_box(0.5), 0.0);
/// ```
pub fn flush() -> Guard {
    let before = mode();
    enter(Mode(before.0 | register::FLUSH))
}

/// The mode of this thread.
pub fn mode() -> Mode {
    Mode(register::read())
}

/// Puts this thread into `mode` while the guard lives.
pub fn enter(mode: Mode) -> Guard {
    let before = self::mode();
    let to = Mode(before.0 & !register::FLUSH | mode.0 & register::FLUSH);
    let changed = to != before;
    if changed {
        register::write(to.0);
    }
    Guard { before, changed, not_send: PhantomData }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.changed {
            register::write(self.before.0);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod register {
    use std::arch::asm;

    /// Flush-to-zero and denormals-are-zero bits of MXCSR.
    pub const FLUSH: u32 = 1 << 15 | 1 << 6;

    pub fn read() -> u32 {
        let mut value = 0u32;
        // SAFETY: SSE is part of x86-64; the instruction stores four bytes to `value`.
        unsafe { asm!("stmxcsr [{}]", in(reg) &mut value, options(nostack, preserves_flags)) };
        // The upper half is reserved, the low six bits are sticky exception flags.
        value & 0xffc0
    }

    pub fn write(value: u32) {
        // SAFETY: SSE is part of x86-64; `value` came from `read` with only denormal bits changed, so no reserved bit
        // is set and no exception is unmasked.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &value, options(nostack, preserves_flags)) };
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod register {
    pub const FLUSH: u32 = 0;

    pub fn read() -> u32 {
        0
    }

    pub fn write(_: u32) {}
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn guards_nest_and_restore() {
        let half = || black_box(f32::MIN_POSITIVE) * black_box(0.5);
        assert!(half() > 0.0);
        {
            let _outer = flush();
            assert_eq!(half(), 0.0);
            assert_eq!(black_box(1e-40f32) + black_box(0.0), 0.0);
            drop(flush());
            assert_eq!(half(), 0.0);
        }
        assert!(half() > 0.0);
    }
}
