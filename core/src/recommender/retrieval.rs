//! Stub.
use super::model::Recommender;
use crate::arena::Element;
impl<E: Element> Recommender<'_, E> {
    /// Order.
    pub fn reorder(&mut self) { self.ordered = 0; }
}
