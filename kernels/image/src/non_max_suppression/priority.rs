//! Orders among equal scores as the C++ standard library leaves them.
//!
//! TensorFlow keeps candidates in a `std::priority_queue` and sorts results with `std::sort`, neither of which is stable:
//! which of several equal scores comes first depends on the algorithms, which are those of libstdc++.

/// A binary heap whose top is a largest item by `less`.
pub struct Queue<T, F> {
    items: Vec<T>,
    less: F,
}

impl<T: Copy, F: Fn(&T, &T) -> bool> Queue<T, F> {
    /// An empty queue.
    pub fn new(less: F) -> Queue<T, F> {
        Queue { items: Vec::new(), less }
    }

    /// Adds an item, which rises above smaller ones.
    pub fn push(&mut self, item: T) {
        self.items.push(item);
        let at = self.items.len() - 1;
        rise(&mut self.items, at, 0, item, &self.less);
    }

    /// Takes the top.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.items.pop()?;
        let Some(&top) = self.items.first() else { return Some(last) };
        sink(&mut self.items, 0, last, &self.less);
        Some(top)
    }
}

/// Puts `item` into the hole at `at` or above, not above `top`.
fn rise<T: Copy>(items: &mut [T], mut at: usize, top: usize, item: T, less: impl Fn(&T, &T) -> bool) {
    while at > top && less(&items[(at - 1) / 2], &item) {
        items[at] = items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    items[at] = item;
}

/// Moves the hole at `top` down along the larger children to the bottom, and lets `item` rise from there.
fn sink<T: Copy>(items: &mut [T], top: usize, item: T, less: impl Fn(&T, &T) -> bool) {
    let mut at = top;
    while 2 * at + 2 < items.len() {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        let child = if less(&items[right], &items[left]) { left } else { right };
        items[at] = items[child];
        at = child;
    }
    if 2 * at + 2 == items.len() {
        items[at] = items[2 * at + 1];
        at = 2 * at + 1;
    }
    rise(items, at, top, item, less);
}

/// Parts of at most this length are left to the final insertion sort.
const SHORT: usize = 16;

/// Sorts ascending by `less`: quicksort with the median of three, heapsort where that goes deep, insertion at last.
pub fn sort<T: Copy>(items: &mut [T], less: impl Fn(&T, &T) -> bool + Copy) {
    if items.len() < 2 {
        return;
    }
    partition_all(items, 2 * items.len().ilog2(), less);
    insert_all(items, less);
}

fn partition_all<T: Copy>(mut items: &mut [T], mut depth: u32, less: impl Fn(&T, &T) -> bool + Copy) {
    while items.len() > SHORT {
        if depth == 0 {
            return heap_sort(items, less);
        }
        depth -= 1;
        let cut = partition(items, less);
        let (low, high) = items.split_at_mut(cut);
        partition_all(high, depth, less);
        items = low;
    }
}

/// Moves the median of the second, middle and last item to the front, and what is smaller before what is larger.
fn partition<T: Copy>(items: &mut [T], less: impl Fn(&T, &T) -> bool) -> usize {
    let (second, middle, last) = (1, items.len() / 2, items.len() - 1);
    let is_less = |items: &[T], a: usize, b: usize| less(&items[a], &items[b]);
    let median = if is_less(items, second, middle) {
        if is_less(items, middle, last) {
            middle
        } else if is_less(items, second, last) {
            last
        } else {
            second
        }
    } else if is_less(items, second, last) {
        second
    } else if is_less(items, middle, last) {
        last
    } else {
        middle
    };
    items.swap(0, median);
    let pivot = items[0];
    let (mut low, mut high) = (1, items.len());
    loop {
        while low < items.len() && less(&items[low], &pivot) {
            low += 1;
        }
        high -= 1;
        while high > 0 && less(&pivot, &items[high]) {
            high -= 1;
        }
        if low >= high {
            return low;
        }
        items.swap(low, high);
        low += 1;
    }
}

fn heap_sort<T: Copy>(items: &mut [T], less: impl Fn(&T, &T) -> bool + Copy) {
    for top in (0..items.len() / 2).rev() {
        let item = items[top];
        sink(items, top, item, less);
    }
    for end in (1..items.len()).rev() {
        let item = items[end];
        items[end] = items[0];
        sink(&mut items[..end], 0, item, less);
    }
}

/// Insertion sort, which leaves equal items in order.
fn insert_all<T: Copy>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    for i in 1..items.len() {
        let item = items[i];
        let mut at = i;
        while at > 0 && less(&item, &items[at - 1]) {
            items[at] = items[at - 1];
            at -= 1;
        }
        items[at] = item;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers below `range`, each with its place.
    fn items(len: usize, range: u32) -> Vec<(u32, usize)> {
        let mut x = 12345_u32;
        let mut next = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 8) % range
        };
        (0..len).map(|i| (next(), i)).collect()
    }

    #[test]
    fn sorts() {
        for (len, range) in [(0, 1), (1, 1), (2, 1), (16, 3), (17, 1), (100, 1), (1000, 7), (1000, 1 << 20)] {
            let mut sorted = items(len, range);
            let mut want: Vec<u32> = sorted.iter().map(|item| item.0).collect();
            sort(&mut sorted, |a, b| a.0 < b.0);
            want.sort_unstable();
            assert_eq!(sorted.iter().map(|item| item.0).collect::<Vec<_>>(), want);
            let mut heap_sorted = items(len, range);
            heap_sort(&mut heap_sorted, |a, b| a.0 < b.0);
            assert_eq!(heap_sorted.iter().map(|item| item.0).collect::<Vec<_>>(), want);
            let mut queue = Queue::new(|a: &(u32, usize), b: &(u32, usize)| a.0 < b.0);
            items(len, range).into_iter().for_each(|item| queue.push(item));
            let popped: Vec<u32> = std::iter::from_fn(|| queue.pop()).map(|item| item.0).collect();
            assert_eq!(popped, want.into_iter().rev().collect::<Vec<_>>());
        }
    }
}
