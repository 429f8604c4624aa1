//! In which order things are done.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use savedmodel_tensor::{Error, Result};

/// The topological order of items `0..n` that stays closest to their numbers.
///
/// Items are numbered in the order in which the model lists its nodes, so that what nothing orders (reading and
/// writing of a variable in a V1 graph) is done in the order in which it was written down. `before[i]` lists what item
/// `i` waits for, repeats allowed.
///
/// # Errors
/// `INVALID_ARGUMENT` with the number of an item on a cycle, if there is one.
pub(crate) fn order(before: &[Vec<usize>]) -> Result<Vec<usize>, usize> {
    let n = before.len();
    let mut waiting: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); n];
    for (item, sources) in before.iter().enumerate() {
        sources.iter().for_each(|&source| after[source].push(item));
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..n).filter(|&item| waiting[item] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(n);
    while let Some(Reverse(item)) = ready.pop() {
        order.push(item);
        for &next in &after[item] {
            waiting[next] -= 1;
            if waiting[next] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    match waiting.iter().position(|&count| count > 0) {
        None => Ok(order),
        Some(item) => Err(item),
    }
}

/// The error for a cycle through a node.
pub(crate) fn cycle(node: &str) -> Error {
    Error::invalid_argument(format!("the graph has a cycle through node '{node}' that is no loop"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_to_the_numbers() {
        assert_eq!(order(&[vec![], vec![], vec![0]]), Ok(vec![0, 1, 2]));
        assert_eq!(order(&[vec![2, 2], vec![], vec![]]), Ok(vec![1, 2, 0]));
        assert_eq!(order(&[vec![], vec![2], vec![1]]), Err(1));
        assert_eq!(order(&[]), Ok(vec![]));
    }
}
