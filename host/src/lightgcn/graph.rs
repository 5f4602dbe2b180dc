//! Who interacted with what, as a graph.

use scall_core::math;
use scall_core::side::{PerSide, Side};

/// The neighbours of one side's nodes.
///
/// A node is named by its *place*: nodes stand longest row first, then by falling number of interactions,
/// then by id.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjacency {
    /// Where the neighbours of each place begin, and after the last one where they end.
    starts: Vec<u32>,
    /// Places on the other side, ascending for each node.
    neighbours: Vec<u32>,
    /// The id at each place.
    ids: Vec<u32>,
    /// The place of each id.
    places: Vec<u32>,
    /// The size of the row at each place, descending.
    sizes: Vec<u32>,
    /// The root of each place's degree; 1 for a node without neighbours.
    roots: Vec<f32>,
}

/// Both sides of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    sides: PerSide<Adjacency>,
}

impl Graph {
    /// The graph of these interactions, each of which counts once however often it is there.
    ///
    /// `sizes` are the lengths of the rows by id, and say how many nodes there are; `interactions` gives a
    /// user and an item below that, twice the same in the same order. O(interactions + nodes log nodes).
    pub fn new<I>(sizes: &PerSide<Vec<u32>>, interactions: impl Fn() -> I) -> Self
    where
        I: Iterator<Item = (u32, u32)>,
    {
        let mut counts = PerSide::new(vec![0_u32; sizes.user.len()], vec![0_u32; sizes.item.len()]);
        for (user, item) in interactions() {
            counts.user[user as usize] += 1;
            counts.item[item as usize] += 1;
        }
        let mut users = Adjacency::in_order(&sizes.user, &counts.user);
        let mut items = Adjacency::in_order(&sizes.item, &counts.item);
        // Sorted by item, then stably by user: ascending for each user.
        let by_item = grouped(items.len(), || {
            interactions().map(|(user, item)| (items.places[item as usize], users.places[user as usize]))
        });
        let mut by_user = grouped(users.len(), || by_item.pairs().map(|(item, user)| (user, item)));
        by_user.remove_repeats();
        let by_item = grouped(items.len(), || by_user.pairs().map(|(user, item)| (item, user)));
        users.connect(by_user);
        items.connect(by_item);
        Self { sides: PerSide::new(users, items) }
    }

    /// The nodes of one side.
    pub const fn side(&self, side: Side) -> &Adjacency {
        self.sides.get(side)
    }

    /// Elements of the longest row.
    pub fn longest(&self) -> u32 {
        Side::BOTH.iter().filter_map(|&side| self.side(side).sizes.first()).max().copied().unwrap_or(0)
    }

    /// Whether a user and an item, by place, are neighbours. O(log neighbours).
    #[inline]
    pub fn has(&self, user: u32, item: u32) -> bool {
        self.sides.user.neighbours(user).binary_search(&item).is_ok()
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> u64 {
        Side::BOTH.iter().map(|&side| self.side(side).bytes()).sum()
    }
}

impl Adjacency {
    /// Nodes without neighbours.
    fn in_order(sizes: &[u32], counts: &[u32]) -> Self {
        let mut ids: Vec<u32> = (0..sizes.len() as u32).collect();
        ids.sort_by_key(|&id| std::cmp::Reverse((sizes[id as usize], counts[id as usize])));
        let mut places = vec![0; ids.len()];
        for (place, &id) in (0..).zip(&ids) {
            places[id as usize] = place;
        }
        let sizes = ids.iter().map(|&id| sizes[id as usize]).collect();
        let roots = vec![1.0; ids.len()];
        Self { starts: vec![0; ids.len() + 1], neighbours: Vec::new(), ids, places, sizes, roots }
    }

    fn connect(&mut self, groups: Groups) {
        let Groups { starts, members } = groups;
        for (root, ends) in self.roots.iter_mut().zip(starts.windows(2)) {
            *root = math::sqrt((ends[1] - ends[0]).max(1) as f32);
        }
        (self.starts, self.neighbours) = (starts, members);
    }

    /// How many nodes there are.
    pub const fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many entries the neighbours have in all.
    pub const fn entries(&self) -> usize {
        self.neighbours.len()
    }

    /// The places of the neighbours of the node at `place`, ascending.
    #[inline]
    pub fn neighbours(&self, place: u32) -> &[u32] {
        let place = place as usize;
        &self.neighbours[self.starts[place] as usize..self.starts[place + 1] as usize]
    }

    /// The neighbours of each place in turn.
    #[inline]
    pub(super) fn all_neighbours(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|ends| &self.neighbours[ends[0] as usize..ends[1] as usize])
    }

    /// The id at each place.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The place of each id.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// The root of each place's degree; 1 for a node without neighbours.
    pub(super) fn roots(&self) -> &[f32] {
        &self.roots
    }

    /// The size of the row at each place, descending.
    pub(super) fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// How many nodes have rows of more than `dimensions` elements: those at the first places.
    pub(super) fn longer_than(&self, dimensions: usize) -> usize {
        self.sizes.partition_point(|&size| size as usize > dimensions)
    }

    fn bytes(&self) -> u64 {
        let words = self.starts.len() + self.neighbours.len() + 4 * self.ids.len();
        (words * size_of::<u32>()) as u64
    }
}

/// Numbers in groups, one group after the other.
struct Groups {
    starts: Vec<u32>,
    members: Vec<u32>,
}

/// Sorts pairs of a group below `count` and a member by group; a group's members keep their order.
fn grouped<I: Iterator<Item = (u32, u32)>>(count: usize, pairs: impl Fn() -> I) -> Groups {
    let mut starts = vec![0_u32; count + 1];
    for (group, _) in pairs() {
        starts[group as usize + 1] += 1;
    }
    for group in 0..count {
        starts[group + 1] += starts[group];
    }
    let mut next = starts.clone();
    let mut members = vec![0; starts[count] as usize];
    for (group, member) in pairs() {
        members[next[group as usize] as usize] = member;
        next[group as usize] += 1;
    }
    Groups { starts, members }
}

impl Groups {
    fn pairs(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..).zip(self.starts.windows(2)).flat_map(|(group, ends)| {
            self.members[ends[0] as usize..ends[1] as usize].iter().map(move |&member| (group, member))
        })
    }

    /// Leaves one of several equal members that follow each other in a group.
    fn remove_repeats(&mut self) {
        let mut kept = 0;
        for group in 0..self.starts.len() - 1 {
            let (from, to) = (self.starts[group] as usize, self.starts[group + 1] as usize);
            self.starts[group] = kept as u32;
            let mut last = None;
            for position in from..to {
                let member = self.members[position];
                if last != Some(member) {
                    self.members[kept] = member;
                    kept += 1;
                    last = Some(member);
                }
            }
        }
        if let Some(end) = self.starts.last_mut() {
            *end = kept as u32;
        }
        self.members.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    #[test]
    fn nodes_stand_by_size_then_interactions_then_id() {
        let pairs = [(0, 1), (1, 1), (1, 0), (2, 1), (2, 0), (2, 1)];
        let graph = Graph::new(&PerSide::new(vec![1, 1, 1, 5], vec![2, 2, 9]), || pairs.into_iter());
        // User 3 has the longest row, user 2 three interactions, user 1 two.
        let users = graph.side(Side::User);
        assert_eq!(users.ids(), [3, 2, 1, 0]);
        assert_eq!(users.places(), [3, 2, 1, 0]);
        // Item 2 is the longest, item 1 the more frequent of the others.
        let items = graph.side(Side::Item);
        assert_eq!(items.ids(), [2, 1, 0]);
        let neighbours = |adjacency: &Adjacency| -> Vec<Vec<u32>> {
            adjacency.all_neighbours().map(<[u32]>::to_vec).collect()
        };
        assert_eq!(neighbours(users), [vec![], vec![1, 2], vec![1, 2], vec![1]]);
        assert_eq!(neighbours(items), [vec![], vec![1, 2, 3], vec![1, 2]]);
        assert_eq!(users.roots(), [1.0, 2.0_f32.sqrt(), 2.0_f32.sqrt(), 1.0]);
        assert_eq!((graph.longest(), users.longer_than(1), users.longer_than(5)), (9, 1, 0));
        assert!(graph.has(1, 2) && graph.has(3, 1) && !graph.has(3, 2) && !graph.has(0, 1));
    }

    #[test]
    fn a_graph_without_interactions_has_nodes_all_the_same() {
        let graph = Graph::new(&PerSide::new(vec![2, 0], vec![]), std::iter::empty);
        assert_eq!((graph.side(Side::User).len(), graph.side(Side::User).entries()), (2, 0));
        assert!(graph.side(Side::Item).is_empty());
    }

    proptest! {
        #[test]
        fn both_sides_hold_the_set_of_interactions(
            pairs in prop::collection::vec((0_u32..7, 0_u32..9), 0..60),
            sizes in prop::collection::vec(0_u32..20, 16),
        ) {
            let sizes = PerSide::new(sizes[..7].to_vec(), sizes[7..].to_vec());
            let graph = Graph::new(&sizes, || pairs.iter().copied());
            let set: BTreeSet<_> = pairs.iter().copied().collect();
            let (users, items) = (graph.side(Side::User), graph.side(Side::Item));
            let mut by_user = BTreeSet::new();
            for (place, neighbours) in (0..).zip(users.all_neighbours()) {
                prop_assert!(neighbours.windows(2).all(|pair| pair[0] < pair[1]));
                for &item in neighbours {
                    by_user.insert((users.ids()[place], items.ids()[item as usize]));
                }
            }
            let mut by_item = BTreeSet::new();
            for (place, neighbours) in (0..).zip(items.all_neighbours()) {
                prop_assert!(neighbours.windows(2).all(|pair| pair[0] < pair[1]));
                for &user in neighbours {
                    by_item.insert((users.ids()[user as usize], items.ids()[place]));
                }
            }
            prop_assert_eq!(&by_user, &set);
            prop_assert_eq!(&by_item, &set);
            prop_assert_eq!((users.entries(), items.entries()), (set.len(), set.len()));
        }
    }
}
