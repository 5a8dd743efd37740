//! Numbers that look random and are the same for the same seed.

/// A splitmix64 generator: good enough for names and ids, and repeatable.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A version 4 UUID.
    pub(crate) fn uid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 48) & 0x3fff,
            b & 0xffff_ffff_ffff
        )
    }

    /// The end of a generated name, in the alphabet of `utilrand.String`.
    pub(crate) fn suffix(&mut self, length: usize) -> String {
        (0..length).map(|_| safe(self.next())).collect()
    }
}

const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

fn safe(n: u64) -> char {
    let index = (n % ALPHABET.len() as u64) as usize;
    ALPHABET.get(index).map_or('x', |b| char::from(*b))
}

/// A short word for a text, the same each time: what a controller puts behind a name.
pub(crate) fn word(text: &str) -> String {
    // FNV-1a
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let mut random = Random::new(hash);
    random.suffix(10)
}
