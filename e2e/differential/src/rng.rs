//! Random numbers that are the same everywhere: SplitMix64.

/// A stream of numbers that its seed decides.
pub(crate) struct Rng(u64);

impl Rng {
    /// A stream of its own for each case of each subject.
    pub(crate) fn new(seed: u64, subject: &str, case: u64) -> Self {
        let mut rng = Self(seed);
        for byte in subject.bytes() {
            rng.0 = rng.next() ^ u64::from(byte);
        }
        rng.0 = rng.next() ^ case;
        rng.next();
        rng
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// One of the items, which need not be references.
    pub(crate) fn one<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}
