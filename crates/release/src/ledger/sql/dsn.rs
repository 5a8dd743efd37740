//! Connection strings, as Go's `lib/pq` reads them (1.12.3: `connector.go`): `key=value` pairs or a URL.

use std::collections::BTreeMap;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use url::Url;

/// What a connection string and the `PG*` variables say together.
#[derive(Clone, Debug)]
pub(super) struct Dsn {
    /// For sqlx.
    pub(super) options: PgConnectOptions,
    /// Where the database is, as `HOST:PORT`.
    pub(super) place: String,
}

/// The variables that stand for settings which the string does not have.
const VARIABLES: [(&str, &str); 11] = [
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
];
/// What both sides call by the same name.
const KNOWN: [&str; 9] =
    ["dbname", "user", "password", "options", "application_name", "sslmode", "sslcert", "sslkey", "sslrootcert"];
/// What is always as it is said to be, or has no meaning here.
const PASSED_OVER: [&str; 6] =
    ["fallback_application_name", "connect_timeout", "client_encoding", "datestyle", "binary_parameters", "sslsni"];
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-full", "verify-ca"];

/// Reads a connection string; `variable` reads the environment.
pub(super) fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Dsn, String> {
    let said =
        if text.starts_with("postgres://") || text.starts_with("postgresql://") { of_url(text)? } else { pairs(text)? };
    let set = |(name, key): (&str, &str)| Some((key.to_owned(), variable(name).filter(|it| !it.is_empty())?));
    let mut all: BTreeMap<String, String> = VARIABLES.into_iter().filter_map(set).collect();
    all.extend(variable("PGSSLROOTCERT").map(|path| ("sslrootcert".to_owned(), path)));
    all.extend(said);

    let port = all.remove("port").unwrap_or_else(|| "5432".to_owned());
    let port: u16 = port.parse().map_err(|_| format!("pq: wrong value for \"port\": {port:?}"))?;
    let host = [all.remove("hostaddr"), all.remove("host")].into_iter().flatten().find(|host| !host.is_empty());
    let host = host.unwrap_or_else(|| "localhost".to_owned());
    if host.contains(',') {
        return Err("the connection string names several hosts; name one".to_owned());
    }
    // As lib/pq: TLS by default, but none over a socket of the file system.
    let mode = match host.starts_with('/') {
        true => "disable".to_owned(),
        false => all.get("sslmode").filter(|mode| !mode.is_empty()).cloned().unwrap_or_else(|| "require".to_owned()),
    };
    if !MODES.contains(&mode.as_str()) {
        let modes = MODES.map(|mode| format!("{mode:?}")).join(", ");
        return Err(format!(
            "pq: wrong value for \"sslmode\": {mode:?} is not supported; supported values are {modes}"
        ));
    }
    all.insert("sslmode".to_owned(), mode);

    let mut url = Url::parse("postgres://localhost").map_err(|error| error.to_string())?;
    let mut query = url.query_pairs_mut();
    query.append_pair("host", &host).append_pair("port", &port.to_string());
    for (key, value) in all.iter().filter(|(key, _)| !PASSED_OVER.contains(&key.as_str())) {
        match KNOWN.contains(&key.as_str()) {
            true if value.is_empty() => continue,
            true => query.append_pair(key, value),
            // What is not known is a setting of the session, such as `search_path`.
            false => query.append_pair(&format!("options[{key}]"), &value.replace('\\', "\\\\").replace(' ', "\\ ")),
        };
    }
    drop(query);
    let options = PgConnectOptions::from_str(url.as_str()).map_err(|error| error.to_string())?;
    let place = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    Ok(Dsn { options, place })
}

/// Reads `postgresql://user:password@host:port/database?key=value`.
fn of_url(text: &str) -> Result<BTreeMap<String, String>, String> {
    let url = Url::parse(text).map_err(|error| format!("parse connection string: {error}"))?;
    let mut all = BTreeMap::new();
    let mut put = |key: &str, value: &str| {
        if !value.is_empty() {
            all.insert(key.to_owned(), unescape(value));
        }
    };
    put("user", url.username());
    put("password", url.password().unwrap_or_default());
    put("host", url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']'));
    put("port", &url.port().map(|port| port.to_string()).unwrap_or_default());
    put("dbname", url.path().trim_start_matches('/'));
    all.extend(url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())));
    Ok(all)
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'%').then(|| tail.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads `host=localhost user='a b'`.
fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(all);
        }
        let mut key = String::new();
        while let Some(c) = chars.next_if(|c| !c.is_whitespace() && *c != '=') {
            key.push(c);
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next() != Some('=') {
            return Err(format!("missing \"=\" after {key:?} in connection info string"));
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = chars.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match chars.next() {
                Some('\'') if quoted => break,
                Some('\\') => match chars.next() {
                    Some(c) => value.push(c),
                    None if quoted => {}
                    None => return Err("missing character after backslash".to_owned()),
                },
                None if quoted => return Err("unterminated quoted string literal in connection string".to_owned()),
                None => break,
                Some(c) if c.is_whitespace() && !quoted => break,
                Some(c) => value.push(c),
            }
        }
        all.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let variable = |name: &str| (name == "PGUSER").then(|| "me".to_owned());
        let Dsn { options, place } = parse(text, &variable)?;
        let socket = options.get_socket().map(|path| path.display().to_string()).unwrap_or_default();
        let said = (options.get_username(), options.get_database(), options.get_ssl_mode(), options.get_options());
        Ok(format!("{place} {socket} {said:?}"))
    }

    #[test]
    fn both_forms() {
        for (text, want) in [
            ("", r#"localhost:5432  ("me", None, Require, None)"#),
            ("host=db port = 5433 user='a \\'b' dbname=helm", r#"db:5433  ("a 'b", Some("helm"), Require, None)"#),
            ("host=/run/pg dbname=x", r#"/run/pg:5432 /run/pg ("me", Some("x"), Disable, None)"#),
            (
                "postgresql://u%40x:p@[::1]:6000/helm?sslmode=disable&search_path=a",
                r#"[::1]:6000  ("u@x", Some("helm"), Disable, Some("-c search_path=a"))"#,
            ),
            ("postgres:///helm?host=/tmp", r#"/tmp:5432 /tmp ("me", Some("helm"), Disable, None)"#),
            ("sslmode=verify-full connect_timeout=3", r#"localhost:5432  ("me", None, VerifyFull, None)"#),
        ] {
            assert_eq!(read(text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_lib_pq_says_it() {
        for (text, want) in [
            ("nonsense", "missing \"=\" after \"nonsense\" in connection info string"),
            ("user='a", "unterminated quoted string literal in connection string"),
            ("user=a\\", "missing character after backslash"),
            ("host=a,b", "the connection string names several hosts; name one"),
        ] {
            assert_eq!(read(text).unwrap_err(), want, "{text}");
        }
        assert!(read("sslmode=maybe").unwrap_err().contains("\"maybe\" is not supported; supported values are"));
    }
}
