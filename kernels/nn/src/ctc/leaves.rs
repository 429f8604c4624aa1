//! The best leaves of a beam search, ties as TensorFlow leaves them.

use savedmodel_math::order;

/// The `limit` best items.
///
/// As long as there are fewer, the worst is only known once it was asked for; from then on it stands first.
pub struct Leaves {
    limit: usize,
    items: Vec<u32>,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Unordered,
    WorstFirst,
    Heap,
}

impl Leaves {
    /// No items, of which `limit`, more than none, will be kept.
    pub fn new(limit: usize) -> Leaves {
        Leaves { limit, items: Vec::new(), state: State::Unordered }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The items, in no order.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// Adds an item, and drops the worst if there are too many.
    pub fn push(&mut self, item: u32, above: &impl Fn(&u32, &u32) -> bool) {
        if self.state == State::Heap {
            if above(&item, &self.items[0]) {
                order::pop(&mut self.items, above);
                order::rise(&mut self.items, 0, self.limit - 1, item, above);
            }
            return;
        }
        self.items.push(item);
        let last = self.items.len() - 1;
        if self.state == State::WorstFirst && !above(&item, &self.items[0]) {
            self.items.swap(0, last);
        }
        if self.items.len() > self.limit {
            order::make(&mut self.items, above);
            order::pop(&mut self.items, above);
            self.items.pop();
            self.state = State::Heap;
        }
    }

    /// The worst item; there must be one.
    pub fn worst(&mut self, above: &impl Fn(&u32, &u32) -> bool) -> u32 {
        if self.state == State::Unordered {
            let worst = (1..self.items.len())
                .fold(0, |worst, i| if above(&self.items[worst], &self.items[i]) { i } else { worst });
            self.items.swap(0, worst);
            self.state = State::WorstFirst;
        }
        self.items[0]
    }

    /// Takes all items out, the best first.
    pub fn take(&mut self, above: &impl Fn(&u32, &u32) -> bool) -> Vec<u32> {
        let mut items = std::mem::take(&mut self.items);
        if self.state == State::Heap {
            (2..=items.len()).rev().for_each(|end| order::pop(&mut items[..end], above));
        } else {
            order::sort(&mut items, above);
        }
        self.state = State::Unordered;
        items
    }
}
