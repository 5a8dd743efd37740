//! Base64 and base32.

use gotext::Function;
use gotext::GoType::String as Str;

use super::args::bytes;
use super::f;
use crate::golang::base;

pub(super) const TABLE: &[Function] = &[
    f("b64enc", "Encodes a text in base64.", &[Str], None, |c, a| Ok(c.arena.str(base::encode64(bytes(a, 0))))),
    f("b64dec", "Decodes base64; gives the error text when it is none.", &[Str], None, |c, a| {
        Ok(c.arena.str(base::decode64(bytes(a, 0)).unwrap_or_else(String::into_bytes)))
    }),
    f("b32enc", "Encodes a text in base32.", &[Str], None, |c, a| Ok(c.arena.str(base::encode32(bytes(a, 0))))),
    f("b32dec", "Decodes base32; gives the error text when it is none.", &[Str], None, |c, a| {
        Ok(c.arena.str(base::decode32(bytes(a, 0)).unwrap_or_else(String::into_bytes)))
    }),
];
