//! Heaps and sorting, step by step as in the C++ library that TensorFlow is built with.
//!
//! They show where the order is not total (NaN), where items are equal, and in what a heap leaves behind.
//!
//! ```
//! let mut items = [3, 1, 2];
//! savedmodel_math::order::sort(&mut items, |a, b| a < b);
//! assert_eq!(items, [1, 2, 3]);
//! ```

/// The first `count` items by `above`, of a longer sequence; in order if `sorted`, else as they lie in the heap.
pub fn top<T: Copy>(
    count: usize,
    items: impl Iterator<Item = T>,
    above: impl Fn(&T, &T) -> bool,
    sorted: bool,
) -> Vec<T> {
    let mut heap: Vec<T> = Vec::with_capacity(count + 1);
    let mut is_heap = false;
    for item in items {
        if !is_heap {
            heap.push(item);
            if heap.len() == count + 1 {
                make(&mut heap, &above);
                pop(&mut heap, &above);
                heap.pop();
                is_heap = true;
            }
        } else if above(&item, &heap[0]) {
            pop(&mut heap, &above);
            rise(&mut heap, 0, count - 1, item, &above);
        }
    }
    if sorted {
        for end in (2..=heap.len()).rev() {
            pop(&mut heap[..end], &above);
        }
    }
    heap
}

/// Makes a heap whose root no item is below.
pub fn make<T: Copy>(items: &mut [T], above: &impl Fn(&T, &T) -> bool) {
    for parent in (0..items.len() / 2).rev() {
        let item = items[parent];
        sift(items, parent, item, above);
    }
}

/// Moves the root behind the heap of the other items.
pub fn pop<T: Copy>(items: &mut [T], above: &impl Fn(&T, &T) -> bool) {
    if let [rest @ .., last] = items
        && !rest.is_empty()
    {
        let item = std::mem::replace(last, rest[0]);
        sift(rest, 0, item, above);
    }
}

/// Lets the hole at `start` sink to a leaf, then the item rise from there.
fn sift<T: Copy>(items: &mut [T], start: usize, item: T, above: &impl Fn(&T, &T) -> bool) {
    let len = items.len();
    let mut hole = start;
    while hole * 2 + 2 < len {
        let right = hole * 2 + 2;
        let child = if above(&items[right], &items[right - 1]) { right - 1 } else { right };
        items[hole] = items[child];
        hole = child;
    }
    if hole * 2 + 2 == len {
        items[hole] = items[len - 1];
        hole = len - 1;
    }
    rise(items, start, hole, item, above);
}

/// Lets an item rise from a hole, not above `start`.
pub fn rise<T: Copy>(items: &mut [T], start: usize, hole: usize, item: T, above: &impl Fn(&T, &T) -> bool) {
    let mut hole = hole;
    while hole > start {
        let parent = (hole - 1) / 2;
        if !above(&items[parent], &item) {
            break;
        }
        items[hole] = items[parent];
        hole = parent;
    }
    items[hole] = item;
}

/// Rows that are sorted by insertion.
const SHORT: usize = 16;

/// Sorts by `before`, which need not be an order.
pub fn sort<T: Copy>(items: &mut [T], before: impl Fn(&T, &T) -> bool) {
    if items.len() < 2 {
        return;
    }
    split(items, 2 * items.len().ilog2(), &before);
    for i in 1..items.len() {
        let item = items[i];
        if i < SHORT && before(&item, &items[0]) {
            items[..=i].rotate_right(1);
            continue;
        }
        let mut to = i;
        while to > 0 && before(&item, &items[to - 1]) {
            items[to] = items[to - 1];
            to -= 1;
        }
        items[to] = item;
    }
}

/// Cuts into parts of at most [`SHORT`] items, each before the next.
fn split<T: Copy>(items: &mut [T], depth: u32, before: &impl Fn(&T, &T) -> bool) {
    let mut end = items.len();
    let mut depth = depth;
    while end > SHORT {
        if depth == 0 {
            let items = &mut items[..end];
            make(items, before);
            (2..=end).rev().for_each(|end| pop(&mut items[..end], before));
            return;
        }
        depth -= 1;
        let cut = partition(&mut items[..end], before);
        split(&mut items[cut..end], depth, before);
        end = cut;
    }
}

/// Moves what comes before a median of three to the front, and tells where the rest begins.
fn partition<T: Copy>(items: &mut [T], before: &impl Fn(&T, &T) -> bool) -> usize {
    let [a, b, c] = [1, items.len() / 2, items.len() - 1];
    let is = |i: usize, j: usize| before(&items[i], &items[j]);
    let median = match (is(a, b), is(b, c), is(a, c)) {
        (true, true, _) => b,
        (true, false, true) => c,
        (true, false, false) => a,
        (false, _, true) => a,
        (false, true, false) => c,
        (false, false, false) => b,
    };
    items.swap(0, median);
    let (mut low, mut high) = (1, items.len());
    loop {
        while low < items.len() - 1 && before(&items[low], &items[0]) {
            low += 1;
        }
        high -= 1;
        while high > 0 && before(&items[0], &items[high]) {
            high -= 1;
        }
        if low >= high {
            return low;
        }
        items.swap(low, high);
        low += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sorted_is_in_order() {
        let by_tens = |a: &usize, b: &usize| a / 10 < b / 10;
        let check = |items: Vec<usize>| {
            // By parts, and as when these turn out too uneven.
            for depth in [2 * items.len().max(1).ilog2(), 0] {
                let mut sorted = items.clone();
                split(&mut sorted, depth, &by_tens);
                sort(&mut sorted, by_tens);
                assert!(sorted.is_sorted_by_key(|x| x / 10), "{sorted:?}");
                let mut same = items.clone();
                same.sort_unstable();
                sorted.sort_unstable();
                assert_eq!(sorted, same);
            }
        };
        for len in [0, 1, 2, 16, 17, 100, 1000] {
            check((0..len).collect());
            check((0..len).rev().collect());
            check((0..len).map(|i| i * 7919 % 257).collect());
            check(vec![3; len]);
        }
    }
}
