//! TOML as `BurntSushi/toml` 1.6 writes and reads it.

mod number;
mod read;
mod write;

pub(crate) use read::decode;
pub(crate) use write::encode;
