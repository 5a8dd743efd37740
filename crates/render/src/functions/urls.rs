//! URLs.

use gotext::GoType::{Map as Dict, String as Str};
use gotext::{Error, Function, Map, Value};

use super::args::{bytes, fail, map};
use super::f;
use crate::golang::url::{self, Url};

pub(super) const TABLE: &[Function] = &[
    f("urlParse", "Takes a URL apart into a dictionary.", &[Str], None, |c, a| {
        let url = url::parse(bytes(a, 0)).map_err(|e| Error::new(format!("unable to parse url: {e}")))?;
        let out = c.arena.map();
        out.set(b"fragment", c.arena.str(&url.fragment));
        out.set(b"host", c.arena.str(&url.host));
        out.set(b"hostname", c.arena.str(url.hostname()));
        out.set(b"opaque", c.arena.str(&url.opaque));
        out.set(b"path", c.arena.str(&url.path));
        out.set(b"query", c.arena.str(&url.raw_query));
        out.set(b"scheme", c.arena.str(&url.scheme));
        out.set(b"userinfo", c.arena.str(url.userinfo()));
        Ok(Value::Map(out))
    }),
    f("urlJoin", "Puts a URL together from a dictionary.", &[Dict], None, |c, a| {
        let parts = map(a, 0);
        let mut url = Url {
            scheme: part(parts, "scheme")?,
            host: part(parts, "host")?,
            path: part(parts, "path")?,
            raw_query: part(parts, "query")?,
            opaque: part(parts, "opaque")?,
            fragment: part(parts, "fragment")?,
            user: None,
        };
        let userinfo = part(parts, "userinfo")?;
        if !userinfo.is_empty() {
            let whole = [b"proto://".as_slice(), &userinfo, b"@host"].concat();
            let parsed =
                url::parse(&whole).map_err(|e| Error::new(format!("unable to parse userinfo in dict: {e}")))?;
            url.user = parsed.user;
        }
        Ok(c.arena.str(url.text()))
    }),
];

fn part(parts: Option<&Map<'_>>, key: &str) -> Result<Vec<u8>, Error> {
    match parts.and_then(|m| m.get(key.as_bytes())) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.to_vec()),
        Some(Value::Nil) => super::args::nil_pointer(),
        Some(other) => {
            fail(format!("unable to parse {key} key, must be of type string, but {} found", other.kind_name()))
        }
    }
}
