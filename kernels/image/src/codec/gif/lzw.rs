//! The pixels of a frame, decompressed as giflib does, which takes codes that were never made for what they may be.

use super::read::{Fault, Source};

/// The longest codes have 12 bits.
const BITS: u32 = 12;
const CODES: usize = 1 << BITS;

/// What no code stands for.
const NONE: usize = CODES + 2;

/// Decompresses one frame.
pub struct Lzw {
    bits: u32,
    clear: usize,
    /// Two more than the code that is made next.
    running: usize,
    length: u32,
    last: usize,
    buffer: u32,
    buffered: u32,
    block: Vec<u8>,
    prefix: Vec<usize>,
    suffix: Vec<u8>,
    stack: Vec<u8>,
}

impl Lzw {
    /// For pixels of so many bits.
    pub fn new(bits: u8) -> Lzw {
        let bits = u32::from(bits);
        Lzw {
            bits,
            clear: 1 << bits,
            running: (1 << bits) + 2,
            length: bits + 1,
            last: NONE,
            buffer: 0,
            buffered: 0,
            block: Vec::new(),
            prefix: vec![NONE; CODES],
            suffix: vec![0; CODES],
            stack: Vec::new(),
        }
    }

    /// The next pixels.
    pub fn read(&mut self, source: &mut Source<'_>, out: &mut [u8]) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            while at < out.len() {
                let Some(pixel) = self.stack.pop() else { break };
                out[at] = pixel;
                at += 1;
            }
            if at == out.len() {
                return Ok(());
            }
            let code = self.code(source)?;
            if code == self.clear + 1 {
                return Err(Fault::EndTooSoon);
            } else if code == self.clear {
                self.prefix.fill(NONE);
                (self.running, self.length) = (self.clear + 2, self.bits + 1);
                self.last = NONE;
            } else {
                self.push(code)?;
                self.learn(code);
                self.last = code;
            }
        }
    }

    /// Leaves out what is left of the frame.
    pub fn finish(&mut self, source: &mut Source<'_>) -> Result<(), Fault> {
        while source.block()?.is_some() {}
        Ok(())
    }

    fn code(&mut self, source: &mut Source<'_>) -> Result<usize, Fault> {
        while self.buffered < self.length {
            if self.block.is_empty() {
                self.block = source.block()?.ok_or(Fault::Defect)?.iter().rev().copied().collect();
            }
            self.buffer |= u32::from(self.block.pop().unwrap_or(0)) << self.buffered;
            self.buffered += 8;
        }
        let code = self.buffer & ((1 << self.length) - 1);
        self.buffer >>= self.length;
        self.buffered -= self.length;
        if self.running < CODES + 1 {
            self.running += 1;
            if self.running > 1 << self.length && self.length < BITS {
                self.length += 1;
            }
        }
        Ok(code as usize)
    }

    /// Puts the pixels of a code on the stack.
    fn push(&mut self, code: usize) -> Result<(), Fault> {
        if code < self.clear {
            self.stack.push(code as u8);
            return Ok(());
        }
        let mut prefix = code;
        if self.prefix[code] == NONE {
            prefix = self.last;
            let pixel = self.first(if code + 2 == self.running { self.last } else { code });
            self.stack.push(pixel);
            if let Some(suffix) = self.suffix.get_mut(self.running - 2) {
                *suffix = pixel;
            }
        }
        while self.stack.len() < CODES - 1 && prefix > self.clear && prefix < CODES {
            self.stack.push(self.suffix[prefix]);
            prefix = self.prefix[prefix];
        }
        if self.stack.len() >= CODES - 1 || prefix >= CODES {
            return Err(Fault::Defect);
        }
        self.stack.push(prefix as u8);
        Ok(())
    }

    /// Makes the next code, of the last one and the first pixel of this.
    fn learn(&mut self, code: usize) {
        let next = self.running - 2;
        if self.last == NONE || next >= CODES || self.prefix[next] != NONE {
            return;
        }
        self.prefix[next] = self.last;
        self.suffix[next] = self.first(if code == next { self.last } else { code });
    }

    /// The first pixel of a code.
    fn first(&self, mut code: usize) -> u8 {
        for _ in 0..=CODES {
            if code <= self.clear || code >= CODES {
                break;
            }
            code = self.prefix[code];
        }
        if code >= CODES { NONE as u8 } else { code as u8 }
    }
}
