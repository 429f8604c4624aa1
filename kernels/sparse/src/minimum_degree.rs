//! Ordering by approximate minimum degree (Amestoy, Davis and Duff), with ties and supernodes resolved as in the library that TensorFlow takes it from.
//!
//! Elimination of a variable makes an element of it: the set of variables that become neighbours of each other by that. A variable is
//! adjacent to other variables and to elements; indistinguishable variables become one that stands for all.

/// Nobody, at the end of lists.
const NONE: usize = usize::MAX;

/// The order of variables with these neighbours, which are symmetric and in order.
pub(crate) fn order(neighbours: Vec<Vec<usize>>) -> Vec<usize> {
    let mut graph = Quotient::of(neighbours);
    while graph.eliminated < graph.n {
        let pivot = graph.least();
        let element = graph.make_element(pivot);
        graph.count_outside(&element);
        let buckets = graph.update_degrees(pivot, &element);
        graph.join_indistinguishable(&element, buckets);
        graph.finish(pivot, element);
    }
    graph.postorder()
}

/// Variables and elements; one more of both, number `n`, takes what is put off to the end.
struct Quotient {
    n: usize,
    /// The variables next to a variable, and those of an element.
    nodes: Vec<Vec<usize>>,
    /// The elements next to a variable.
    elements: Vec<Vec<usize>>,
    /// What a variable or element was absorbed by.
    parents: Vec<usize>,
    /// For how many variables one stands: none when it is absorbed, negative while it is in the new element.
    sizes: Vec<isize>,
    degrees: Vec<usize>,
    /// Zero for what is absorbed, else what was counted at a time from `mark` on.
    counts: Vec<usize>,
    mark: usize,
    /// The largest element that there was.
    largest: usize,
    /// The size of the last element, and for how many variables its pivot stands.
    now: (usize, isize),
    eliminated: usize,
    lists: Lists,
}

/// The variables by degree, the last one that came first.
struct Lists {
    heads: Vec<usize>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// No list below is occupied.
    least: usize,
}

impl Lists {
    fn of(n: usize) -> Lists {
        let empty = || vec![NONE; n + 1];
        Lists { heads: empty(), next: empty(), previous: empty(), least: 0 }
    }

    fn insert(&mut self, i: usize, degree: usize) {
        let next = std::mem::replace(&mut self.heads[degree], i);
        (self.next[i], self.previous[i]) = (next, NONE);
        if next != NONE {
            self.previous[next] = i;
        }
        self.least = self.least.min(degree);
    }

    fn remove(&mut self, i: usize, degree: usize) {
        let (next, previous) = (self.next[i], self.previous[i]);
        if next != NONE {
            self.previous[next] = previous;
        }
        match previous {
            NONE => self.heads[degree] = next,
            _ => self.next[previous] = next,
        }
    }
}

impl Quotient {
    fn of(mut nodes: Vec<Vec<usize>>) -> Quotient {
        let n = nodes.len();
        nodes.push(Vec::new());
        let mut graph = Quotient {
            n,
            elements: vec![Vec::new(); n + 1],
            parents: vec![NONE; n + 1],
            sizes: vec![1; n + 1],
            degrees: nodes.iter().map(Vec::len).collect(),
            counts: vec![1; n + 1],
            mark: 2,
            largest: 0,
            now: (0, 0),
            eliminated: 0,
            lists: Lists::of(n),
            nodes,
        };
        let many = ((10.0 * (n as f64).sqrt()) as usize).max(16);
        for i in 0..n {
            let (degree, is_on_diagonal) = (graph.degrees[i], graph.nodes[i].contains(&i));
            if degree == 1 && is_on_diagonal {
                graph.counts[i] = 0;
                graph.eliminated += 1;
            } else if !is_on_diagonal || degree > many || degree + 2 > n {
                graph.sizes[i] = 0;
                graph.parents[i] = n;
                graph.sizes[n] += 1;
                graph.eliminated += 1;
            } else {
                graph.lists.insert(i, degree);
            }
        }
        graph.counts[n] = 0;
        graph
    }

    /// Takes a variable of the least degree, which becomes the pivot.
    fn least(&mut self) -> usize {
        while self.lists.heads[self.lists.least] == NONE {
            self.lists.least += 1;
        }
        let pivot = self.lists.heads[self.lists.least];
        self.lists.remove(pivot, self.lists.least);
        self.eliminated += self.sizes[pivot] as usize;
        pivot
    }

    /// The neighbours of the pivot, directly and through its elements, which they absorb.
    fn make_element(&mut self, pivot: usize) -> Vec<usize> {
        self.now = (0, self.sizes[pivot]);
        self.sizes[pivot] = -self.sizes[pivot];
        let mut element = Vec::new();
        let sources = std::mem::take(&mut self.elements[pivot]);
        for source in sources.into_iter().chain([pivot]) {
            for i in std::mem::take(&mut self.nodes[source]) {
                let size = self.sizes[i];
                if size > 0 {
                    self.now.0 += size as usize;
                    self.sizes[i] = -size;
                    element.push(i);
                    self.lists.remove(i, self.degrees[i]);
                }
            }
            if source != pivot {
                self.absorb(source, pivot);
            }
        }
        self.degrees[pivot] = self.now.0;
        element
    }

    fn absorb(&mut self, element: usize, pivot: usize) {
        self.parents[element] = pivot;
        self.counts[element] = 0;
    }

    /// For each element next to one of the new element, how much of it lies outside of that, above `mark`.
    fn count_outside(&mut self, element: &[usize]) {
        for &i in element {
            let size = self.sizes[i].unsigned_abs();
            for &e in &self.elements[i] {
                let count = self.counts[e];
                if count >= self.mark {
                    self.counts[e] -= size;
                } else if count != 0 {
                    self.counts[e] = self.degrees[e] + self.mark - size;
                }
            }
        }
    }

    /// Finds new degrees without what is in the new element; gives its variables by a sum of their neighbours, the last one first.
    fn update_degrees(&mut self, pivot: usize, element: &[usize]) -> Buckets {
        let mut buckets = Buckets { heads: vec![NONE; element.len()], of: Vec::new(), next: Vec::new() };
        for &i in element {
            let (mut degree, mut hash) = (0, 0_usize);
            let mut elements = std::mem::take(&mut self.elements[i]);
            elements.retain(|&e| {
                let count = self.counts[e];
                if count > self.mark {
                    degree += count - self.mark;
                    hash = hash.wrapping_add(e);
                } else if count != 0 {
                    self.absorb(e, pivot);
                }
                count > self.mark
            });
            let sizes = &self.sizes;
            self.nodes[i].retain(|&j| {
                if sizes[j] > 0 {
                    degree += sizes[j] as usize;
                    hash = hash.wrapping_add(j);
                }
                sizes[j] > 0
            });
            let bucket = hash % element.len();
            buckets.next.push(NONE);
            buckets.of.push(bucket);
            if degree == 0 {
                // It has no other neighbours: it goes with the pivot.
                let size = -std::mem::take(&mut self.sizes[i]);
                self.parents[i] = pivot;
                self.now.0 -= size as usize;
                self.now.1 += size;
                self.eliminated += size as usize;
                continue;
            }
            self.degrees[i] = self.degrees[i].min(degree);
            if let Some((first, rest)) = elements.split_first() {
                elements = [pivot].iter().chain(rest).chain([first]).copied().collect();
            } else {
                elements.push(pivot);
            }
            self.elements[i] = elements;
            if !self.nodes[i].is_empty() {
                self.nodes[i].rotate_left(1);
            }
            let place = buckets.next.len() - 1;
            buckets.next[place] = std::mem::replace(&mut buckets.heads[bucket], place);
        }
        self.degrees[pivot] = self.now.0;
        self.largest = self.largest.max(self.now.0);
        self.mark += self.largest;
        buckets
    }

    /// Joins variables of the new element that have the same neighbours.
    fn join_indistinguishable(&mut self, element: &[usize], mut buckets: Buckets) {
        for (place, &i) in element.iter().enumerate() {
            if self.sizes[i] == 0 {
                continue;
            }
            let mut first = std::mem::replace(&mut buckets.heads[buckets.of[place]], NONE);
            while first != NONE && buckets.next[first] != NONE {
                let i = element[first];
                for &x in self.elements[i][1..].iter().chain(&self.nodes[i]) {
                    self.counts[x] = self.mark;
                }
                let mut last = first;
                while buckets.next[last] != NONE {
                    let at = buckets.next[last];
                    if self.is_like(element[at], i) {
                        let j = element[at];
                        self.parents[j] = i;
                        self.sizes[i] += std::mem::take(&mut self.sizes[j]);
                        buckets.next[last] = buckets.next[at];
                    } else {
                        last = at;
                    }
                }
                self.mark += 1;
                first = buckets.next[first];
            }
        }
    }

    /// Whether a variable has the neighbours of another, which are marked.
    fn is_like(&self, j: usize, i: usize) -> bool {
        let lens = |i: usize| (self.elements[i].len(), self.nodes[i].len());
        let mut all = self.elements[j][1..].iter().chain(&self.nodes[j]);
        lens(i) == lens(j) && all.all(|&x| self.counts[x] == self.mark)
    }

    /// Puts the variables of the new element back into the lists.
    fn finish(&mut self, pivot: usize, mut element: Vec<usize>) {
        let (total, represented) = self.now;
        element.retain(|&i| self.sizes[i] != 0);
        for &i in &element {
            self.sizes[i] = -self.sizes[i];
            let size = self.sizes[i] as usize;
            let degree = (self.degrees[i] + total - size).min(self.n - self.eliminated - size);
            self.lists.insert(i, degree);
            self.degrees[i] = degree;
        }
        self.sizes[pivot] = represented;
        if element.is_empty() {
            self.counts[pivot] = 0;
        }
        self.nodes[pivot] = element;
    }

    /// The order of elimination: what was absorbed stands before what absorbed it.
    fn postorder(self) -> Vec<usize> {
        let mut children = vec![Vec::new(); self.n + 1];
        for is_element in [true, false] {
            for i in (0..=self.n).filter(|&i| (self.sizes[i] > 0) == is_element && self.parents[i] != NONE) {
                children[self.parents[i]].push(i);
            }
        }
        let (mut order, mut path) = (Vec::with_capacity(self.n + 1), Vec::new());
        for root in (0..=self.n).filter(|&i| self.parents[i] == NONE) {
            path.push((root, 0));
            while let Some((i, visited)) = path.pop() {
                match children[i].get(visited) {
                    Some(&child) => path.extend([(i, visited + 1), (child, 0)]),
                    None => order.push(i),
                }
            }
        }
        order.truncate(self.n);
        order
    }
}

/// Places in an element by a number that equal variables share.
struct Buckets {
    heads: Vec<usize>,
    of: Vec<usize>,
    next: Vec<usize>,
}
