//! The stored number type.

use serde::{Serialize, de::DeserializeOwned};

use crate::math;

/// A number as the arena stores it, and as a snapshot does through `serde`: in as many bytes, whatever its
/// value.
///
/// Whoever reads or changes rows does so through these functions, so that a narrower type (half floats,
/// bytes) can take the place of `f32` without a change to them. All arithmetic is in `f32`; the element
/// only decides how a result is rounded when it is stored.
///
/// ```
/// use scall_core::arena::Element;
///
/// let (user, item) = ([1.0_f32, 2.0], [3.0_f32, 4.0, 5.0]);
/// assert_eq!(f32::dot(&user, &item), 11.0);
/// ```
pub trait Element:
    Copy + PartialEq + core::fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The stored zero, of all-zero bytes.
    const ZERO: Self;

    /// The value as a float.
    fn to_f32(self) -> f32;

    /// The stored value nearest to `value`; what lies outside the range goes to its end.
    fn from_f32(value: f32) -> Self;

    /// Dot product of the common leading elements, in the lanes of [`math::dot`].
    fn dot(a: &[Self], b: &[Self]) -> f32;

    /// Replaces each element `x` by `step(x)`.
    #[inline(always)]
    fn update(row: &mut [Self], mut step: impl FnMut(f32) -> f32) {
        for element in row {
            *element = Self::from_f32(step(element.to_f32()));
        }
    }

    /// Replaces each pair of the common leading elements by `step` of it.
    #[inline(always)]
    fn update_pair(a: &mut [Self], b: &mut [Self], mut step: impl FnMut(f32, f32) -> (f32, f32)) {
        for (x, y) in a.iter_mut().zip(b) {
            let (new_x, new_y) = step(x.to_f32(), y.to_f32());
            *x = Self::from_f32(new_x);
            *y = Self::from_f32(new_y);
        }
    }

    /// Replaces each triple of the common leading elements by `step` of it: a pairwise ranking step
    /// reads three rows and writes three.
    #[inline(always)]
    fn update_triple(
        a: &mut [Self],
        b: &mut [Self],
        c: &mut [Self],
        mut step: impl FnMut(f32, f32, f32) -> (f32, f32, f32),
    ) {
        for ((x, y), z) in a.iter_mut().zip(b).zip(c) {
            let (new_x, new_y, new_z) = step(x.to_f32(), y.to_f32(), z.to_f32());
            *x = Self::from_f32(new_x);
            *y = Self::from_f32(new_y);
            *z = Self::from_f32(new_z);
        }
    }
}

impl Element for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn dot(a: &[Self], b: &[Self]) -> f32 {
        math::dot(a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_reach_the_common_part_alone() {
        let (mut a, mut b, mut c) = ([1.0_f32, 2.0, 3.0], [10.0_f32, 20.0], [100.0_f32, 200.0, 300.0, 400.0]);
        f32::update_triple(&mut a, &mut b, &mut c, |x, y, z| (x + y, y + z, z + x));
        assert_eq!((a, b, c), ([11.0, 22.0, 3.0], [110.0, 220.0], [101.0, 202.0, 300.0, 400.0]));
        f32::update_pair(&mut a, &mut b, |x, y| (y, x));
        assert_eq!((a, b), ([110.0, 220.0, 3.0], [11.0, 22.0]));
        f32::update(&mut a, |x| x * 0.5);
        assert_eq!(a, [55.0, 110.0, 1.5]);
    }
}
