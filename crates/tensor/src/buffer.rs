//! Shared memory: with [`allocation`](crate::allocation), the home of `unsafe` in this crate.
#![allow(unsafe_code)]

use std::mem::size_of;
use std::ops::Range;
use std::sync::Arc;

use crate::allocation::Allocation;
use crate::{DType, Element, Error, Handle, Result, Unit, Variant};

const INLINE: usize = 16;

/// Bytes that tensors share.
///
/// Up to 16 bytes stand in the buffer itself; more are one 64-byte aligned allocation, or
/// memory that somebody else owns (a mapped checkpoint). Memory is always initialised, and is written
/// only through [`Buffer::bytes_mut`], which demands that nobody else holds it.
#[derive(Clone)]
pub struct Buffer(Repr);

#[derive(Clone)]
enum Repr {
    Inline { bytes: [u128; 1], len: u8 },
    Owned { memory: Arc<Allocation>, start: usize, len: usize },
    Foreign { owner: Arc<dyn ForeignBytes>, start: usize, len: usize },
}

/// Memory that a buffer may borrow: it must give the same bytes, where they were, each time it is asked.
pub trait ForeignBytes: Send + Sync + 'static {
    /// The bytes.
    fn bytes(&self) -> &[u8];

    /// Hears that a part is not needed for a while. A mapped file may let its pages go; they come back when they are read.
    fn release(&self, _part: Range<usize>) {}
}

impl ForeignBytes for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

impl ForeignBytes for bytes::Bytes {
    fn bytes(&self) -> &[u8] {
        self
    }
}

impl Buffer {
    /// `len` zero bytes.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when the allocator has no such memory or `len` passes [`MAX_TENSOR_BYTES`].
    pub fn zeroed(len: usize) -> Result<Buffer> {
        if len <= INLINE {
            return Ok(Buffer(Repr::Inline { bytes: [0], len: len as u8 }));
        }
        Ok(Buffer(Repr::Owned { memory: Arc::new(Allocation::zeroed(len)?), start: 0, len }))
    }

    /// One element, which stands in the buffer itself.
    #[inline]
    pub(crate) fn of<T: Element>(value: T) -> Buffer {
        const { assert!(size_of::<T>() <= INLINE && align_of::<T>() <= align_of::<u128>()) };
        let mut bytes = [0_u128; 1];
        // SAFETY: the sixteen bytes hold an element and are aligned for it; an element is plain bytes.
        unsafe { bytes.as_mut_ptr().cast::<T>().write(value) };
        Buffer(Repr::Inline { bytes, len: size_of::<T>() as u8 })
    }

    /// `len` bytes of any content, for who writes all of them.
    ///
    /// # Errors
    /// As [`Buffer::zeroed`].
    #[inline]
    pub fn recycled(len: usize) -> Result<Buffer> {
        if len <= INLINE {
            return Buffer::zeroed(len);
        }
        Ok(Buffer(Repr::Owned { memory: Arc::new(Allocation::recycled(len)?), start: 0, len }))
    }

    /// A copy of `bytes`.
    ///
    /// # Errors
    /// As [`Buffer::zeroed`].
    pub fn copy_of(bytes: &[u8]) -> Result<Buffer> {
        let mut buffer = Buffer::recycled(bytes.len())?;
        buffer.unique_bytes().copy_from_slice(bytes);
        Ok(buffer)
    }

    /// The whole memory of `owner`, shared without a copy.
    ///
    /// `owner` must give the same bytes each time it is asked; for a mapped file that holds as long as
    /// nobody truncates or rewrites the file.
    pub fn foreign<T: ForeignBytes>(owner: Arc<T>) -> Buffer {
        let len = owner.bytes().len();
        Buffer(Repr::Foreign { owner, start: 0, len })
    }

    /// The bytes from `start`, `len` of them, without a copy; `None` outside of the buffer.
    pub fn slice(&self, start: usize, len: usize) -> Option<Buffer> {
        let end = start.checked_add(len).filter(|&end| end <= self.len())?;
        Some(match &self.0 {
            Repr::Inline { .. } => Buffer::copy_of(&self.bytes()[start..end]).ok()?,
            Repr::Owned { memory, start: base, .. } => {
                Buffer(Repr::Owned { memory: Arc::clone(memory), start: base + start, len })
            }
            Repr::Foreign { owner, start: base, .. } => {
                Buffer(Repr::Foreign { owner: Arc::clone(owner), start: base + start, len })
            }
        })
    }

    /// Tells who lent the memory, if somebody did, that it is not needed for a while.
    pub fn release(&self) {
        if let Repr::Foreign { owner, start, len } = &self.0 {
            owner.release(*start..*start + *len);
        }
    }

    /// Number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Inline { len, .. } => usize::from(*len),
            Repr::Owned { len, .. } | Repr::Foreign { len, .. } => *len,
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            // SAFETY: sixteen initialised bytes, of which `len` never asks for more.
            Repr::Inline { bytes, len } => unsafe {
                std::slice::from_raw_parts(bytes.as_ptr().cast(), usize::from(*len))
            },
            Repr::Owned { memory, start, len } => &memory.bytes()[*start..*start + *len],
            Repr::Foreign { owner, start, len } => &owner.bytes()[*start..*start + *len],
        }
    }

    /// Whether nobody else holds this memory, so that writing to it copies nothing.
    #[inline]
    pub fn is_unique(&mut self) -> bool {
        match &mut self.0 {
            Repr::Inline { .. } => true,
            Repr::Owned { memory, .. } => Arc::get_mut(memory).is_some(),
            Repr::Foreign { .. } => false,
        }
    }

    /// The bytes to write to; copied first if somebody else holds them.
    ///
    /// # Errors
    /// As [`Buffer::zeroed`], when a copy is needed.
    #[inline]
    pub fn bytes_mut(&mut self) -> Result<&mut [u8]> {
        if !self.is_unique() {
            *self = Buffer::copy_of(self.bytes())?;
        }
        Ok(self.unique_bytes())
    }

    #[inline]
    fn unique_bytes(&mut self) -> &mut [u8] {
        match &mut self.0 {
            // SAFETY: as in `bytes`, and `&mut self` proves that nobody else looks.
            Repr::Inline { bytes, len } => unsafe {
                std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), usize::from(*len))
            },
            Repr::Owned { memory, start, len } => {
                let memory = Arc::get_mut(memory).expect("callers make sure the memory is unique");
                &mut memory.bytes_mut()[*start..*start + *len]
            }
            Repr::Foreign { .. } => unreachable!("foreign memory is copied before it is written"),
        }
    }

    /// The bytes as elements; `None` when address, length or (for `bool`) a byte don't fit the type.
    #[inline]
    pub fn elements<T: Element>(&self) -> Option<&[T]> {
        check_bools::<T>(self.bytes())?;
        // SAFETY: every bit pattern is a `T`: `Element` is sealed to such types, and bools were checked.
        unsafe { cast(self.bytes()) }
    }

    /// The bytes to write, as elements.
    ///
    /// # Errors
    /// As [`Buffer::zeroed`]; `INTERNAL` when address or length don't fit the type.
    pub fn elements_mut<T: Element>(&mut self) -> Result<&mut [T]> {
        let bytes = self.bytes_mut()?;
        check_bools::<T>(bytes).ok_or_else(misfit)?;
        // SAFETY: as in `elements`; and all that a `T` can hold is plain bytes.
        unsafe { cast_mut(bytes) }.ok_or_else(misfit)
    }

    /// The bytes as plain memory units; `None` when they don't fit or `U` is no plain unit.
    pub fn units<U: Unit>(&self) -> Option<&[U]> {
        U::KIND.size()?;
        // SAFETY: units that have a size are unsigned integers, of which every bit pattern is a value.
        unsafe { cast(self.bytes()) }
    }

    /// The bytes to write, as plain memory units.
    ///
    /// # Errors
    /// As [`Buffer::elements_mut`].
    pub fn units_mut<U: Unit>(&mut self) -> Result<&mut [U]> {
        U::KIND.size().ok_or_else(misfit)?;
        // SAFETY: as in `units`; what is written is checked by whoever reads it as `bool`.
        unsafe { cast_mut(self.bytes_mut()?) }.ok_or_else(misfit)
    }
}

/// Bytes reach a buffer from files and through `units_mut`, so they are checked whenever they are read as `bool`.
#[inline]
fn check_bools<T: Element>(bytes: &[u8]) -> Option<()> {
    let legal = T::DTYPE != DType::Bool || bytes.iter().fold(0, |all, &byte| all | byte) <= 1;
    legal.then_some(())
}

#[cold]
fn misfit() -> Error {
    Error::internal("a buffer does not fit the element type it is viewed as")
}

/// Whether bytes are whole elements where elements may lie.
#[inline]
fn fits<T>(bytes: &[u8]) -> bool {
    size_of::<T>() > 0
        && bytes.len().is_multiple_of(size_of::<T>())
        && bytes.as_ptr().cast::<T>().is_aligned()
}

/// # Safety
/// Every bit pattern must be a value of `T`.
#[inline]
unsafe fn cast<T>(bytes: &[u8]) -> Option<&[T]> {
    if bytes.is_empty() {
        return Some(&[]);
    }
    // SAFETY: the bytes are so many elements and aligned for them; the caller promises that any bytes are values.
    fits::<T>(bytes)
        .then(|| unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<T>()) })
}

/// # Safety
/// Every bit pattern must be a value of `T`, and every `T` must leave legal bytes behind.
#[inline]
unsafe fn cast_mut<T>(bytes: &mut [u8]) -> Option<&mut [T]> {
    if bytes.is_empty() {
        return Some(&mut []);
    }
    // SAFETY: as in `cast`, and the bytes are borrowed for writing.
    fits::<T>(bytes).then(|| unsafe {
        std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len() / size_of::<T>())
    })
}

/// Handles that are kept as variants.
pub(crate) fn handles(variants: &[Variant]) -> &[Handle] {
    // SAFETY: a handle is a variant in memory (`repr(transparent)`), and one that holds anything else is an empty handle to whoever looks.
    unsafe { std::slice::from_raw_parts(variants.as_ptr().cast(), variants.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_element_is_its_bytes() {
        assert_eq!(Buffer::of(0x0102_0304_i32).bytes(), 0x0102_0304_i32.to_ne_bytes());
        assert_eq!(Buffer::of(true).bytes(), [1]);
        assert_eq!(Buffer::of(1.5_f64).elements::<f64>(), Some(&[1.5][..]));
    }

    #[test]
    fn memory_is_aligned_and_zero() {
        for len in [0, 1, 16, 17, 64, 1000] {
            let buffer = Buffer::zeroed(len).unwrap();
            assert_eq!(buffer.bytes(), vec![0; len]);
            if len > INLINE {
                assert_eq!(buffer.bytes().as_ptr() as usize % 64, 0);
            }
        }
        assert!(Buffer::zeroed(crate::MAX_TENSOR_BYTES + 1).is_err());
    }

    #[test]
    fn writing_copies_what_is_shared() {
        for len in [8, 80] {
            let mut a = Buffer::zeroed(len).unwrap();
            let b = a.clone();
            a.bytes_mut().unwrap()[0] = 7;
            assert_eq!((a.bytes()[0], b.bytes()[0]), (7, 0));
        }
    }

    #[test]
    fn foreign_memory_is_borrowed_and_copied_on_write() {
        let owner = Arc::new(vec![1_u8; 100]);
        let mut buffer = Buffer::foreign(Arc::clone(&owner)).slice(50, 20).unwrap();
        assert_eq!(buffer.bytes().as_ptr(), owner[50..].as_ptr());
        buffer.bytes_mut().unwrap()[0] = 2;
        assert_eq!((buffer.bytes()[0], owner[50]), (2, 1));
        assert!(buffer.slice(10, 11).is_none());
        assert!(buffer.slice(usize::MAX, 2).is_none());
    }

    #[test]
    fn casts_refuse_what_does_not_fit() {
        let buffer = Buffer::zeroed(20).unwrap();
        assert!(buffer.elements::<f64>().is_none());
        assert_eq!(buffer.elements::<f32>().unwrap().len(), 5);
        assert!(buffer.slice(1, 16).unwrap().elements::<u32>().is_none());
    }
}
