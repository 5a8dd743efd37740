//! Who we are at registries: files in Docker's format, and the programs that keep such things for it (as
//! `oras.land/oras-go` 2.6: `registry/remote/credentials`;
//! <https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol>).

use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chart::text::{io_error, quote};
use serde_json::{Map, Value, json};

use super::helper;
use crate::error::Error;

/// The largest file of logins.
const LARGEST: u64 = 4 << 20;

/// Who we are at a registry.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// The user.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// What is exchanged for a token that opens something.
    pub refresh_token: String,
    /// A token that opens something.
    pub access_token: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Credential {
    /// Makes one of a user and a password.
    #[must_use]
    pub fn basic_of(username: &str, password: &str) -> Self {
        Self { username: username.to_owned(), password: password.to_owned(), ..Self::default() }
    }

    /// Tells whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The header for user and password.
    pub(super) fn basic(&self) -> Result<String, Error> {
        if self.is_empty() {
            return Err(Error::text("basic credential not found"));
        }
        if self.username.is_empty() || self.password.is_empty() {
            return Err(Error::text("missing username or password for basic auth"));
        }
        Ok(self.header())
    }

    /// The same where one of them may do, as it does where tokens are issued.
    pub(super) fn header(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.username, self.password)))
    }
}

/// What logins of a host are kept under.
pub(super) fn address(host: &str) -> &str {
    match host {
        "docker.io" | "registry-1.docker.io" => "https://index.docker.io/v1/",
        host => host,
    }
}

/// Where logins are kept.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    /// The file that is read first, and written to.
    pub own: PathBuf,
    /// Docker's file, which is read when the other knows nothing.
    pub docker: Option<PathBuf>,
    /// The program that keeps logins when a file says nothing of any: what follows `docker-credential-` in its name.
    pub keychain: Option<String>,
}

impl Logins {
    /// Gives the login for an address; there may be none.
    pub(super) fn get(&self, address: &str) -> Result<Credential, Error> {
        for path in [Some(&self.own), self.docker.as_ref()].into_iter().flatten() {
            let file = File::read(path)?;
            let found = match file.helper(address, self.keychain.as_deref()) {
                Some(helper) => helper::get(&helper, address)?,
                None => file.get(address)?,
            };
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Credential::default())
    }

    /// Keeps a login.
    pub(super) fn put(&self, address: &str, login: &Credential) -> Result<(), Error> {
        let mut file = File::read(&self.own)?;
        let Some(helper) = file.helper(address, self.keychain.as_deref()) else {
            if login.username.contains(':') {
                return Err(Error::text("bad credential format: colons(:) are not allowed in username"));
            }
            let mut kept = Map::new();
            if !login.username.is_empty() || !login.password.is_empty() {
                kept.insert(
                    "auth".to_owned(),
                    STANDARD.encode(format!("{}:{}", login.username, login.password)).into(),
                );
            }
            file.auths_mut()?.insert(address.to_owned(), Value::Object(kept));
            return file.write();
        };
        let said = json!({"ServerURL": address, "Username": login.username, "Secret": login.password});
        helper::run(&helper, "store", &said.to_string())?;
        // What was found by itself is written down, so that Docker looks there as well.
        if !file.is_configured() {
            file.content.insert("credsStore".to_owned(), helper.into());
            file.auths_mut()?;
            return file.write();
        }
        Ok(())
    }

    /// Forgets a login.
    pub(super) fn erase(&self, address: &str) -> Result<(), Error> {
        let mut file = File::read(&self.own)?;
        match file.helper(address, self.keychain.as_deref()) {
            Some(helper) => helper::run(&helper, "erase", address).map(|_| ()),
            None if file.auths_mut()?.remove(address).is_some() => file.write(),
            None => Ok(()),
        }
    }
}

/// A file of logins.
struct File {
    path: PathBuf,
    content: Map<String, Value>,
}

impl File {
    /// Reads a file; one that is not there is empty.
    fn read(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let shown = path.display();
        let mut text = String::new();
        let read = match std::fs::File::open(&path) {
            Ok(file) => file.take(LARGEST).read_to_string(&mut text).map(|_| ()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        read.map_err(|error| {
            Error::text(format!("failed to open config file at {shown}: open {shown}: {}", io_error(&error)))
        })?;
        if text.trim().is_empty() {
            return Ok(Self { path, content: Map::new() });
        }
        // The text of the error would show a piece of the file, which holds passwords.
        let content = serde_json::from_str(&text).map_err(|error| {
            Error::text(format!(
                "failed to decode config file {shown}: invalid config format: it is no JSON object (line {})",
                error.line()
            ))
        })?;
        Ok(Self { path, content })
    }

    /// The program that keeps the login for an address.
    fn helper(&self, address: &str, usual: Option<&str>) -> Option<String> {
        fn named(value: Option<&Value>) -> Option<&str> {
            value.and_then(Value::as_str).filter(|name| !name.is_empty())
        }
        let own = named(self.content.get("credHelpers").and_then(|helpers| helpers.get(address)));
        let found = own.or_else(|| named(self.content.get("credsStore")));
        found.or(usual.filter(|_| !self.is_configured())).map(str::to_owned)
    }

    /// Tells whether it says anything of logins.
    fn is_configured(&self) -> bool {
        let has = |name: &str| match self.content.get(name) {
            Some(Value::Object(fields)) => !fields.is_empty(),
            Some(Value::String(text)) => !text.is_empty(),
            _ => false,
        };
        has("credsStore") || has("credHelpers") || has("auths")
    }

    fn get(&self, address: &str) -> Result<Credential, Error> {
        let Some(Value::Object(auths)) = self.content.get("auths") else { return Ok(Credential::default()) };
        let older = || auths.iter().find(|(key, _)| host_of(key) == address).map(|(_, kept)| kept);
        let Some(kept) = auths.get(address).or_else(older) else { return Ok(Credential::default()) };
        let text = |name: &str| kept.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut login = Credential {
            username: text("username"),
            password: text("password"),
            refresh_token: text("identitytoken"),
            access_token: text("registrytoken"),
        };
        let packed = text("auth");
        if !packed.is_empty() {
            let plain = STANDARD.decode(&packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let Some((username, password)) = plain.as_deref().and_then(|plain| plain.split_once(':')) else {
                return Err(Error::text(format!(
                    "failed to decode auth field: invalid config format: that of {} in {} is not base64 of user and password",
                    quote(address),
                    self.path.display()
                )));
            };
            (login.username, login.password) = (username.to_owned(), password.to_owned());
        }
        Ok(login)
    }

    fn auths_mut(&mut self) -> Result<&mut Map<String, Value>, Error> {
        let auths = self.content.entry("auths").or_insert_with(|| Value::Object(Map::new()));
        if auths.is_null() {
            *auths = Value::Object(Map::new());
        }
        auths.as_object_mut().ok_or_else(|| {
            Error::text(format!(
                "failed to unmarshal auths field: invalid config format: it is no object ({})",
                self.path.display()
            ))
        })
    }

    /// Writes it for nobody but the user, whole or not at all.
    fn write(&self) -> Result<(), Error> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_private(folder).map_err(Error::file("mkdir", folder))?;
        let mut bytes = Vec::new();
        let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        serde::Serialize::serialize(&self.content, &mut serde_json::Serializer::with_formatter(&mut bytes, tabs))
            .map_err(|error| Error::text(format!("failed to marshal config: {error}")))?;
        let mut file = tempfile::Builder::new()
            .prefix(".whipstaff-")
            .tempfile_in(folder)
            .map_err(Error::file("open", &self.path))?;
        file.write_all(&bytes).map_err(Error::file("write", &self.path))?;
        file.persist(&self.path).map_err(|error| Error::file("rename", &self.path)(error.error))?;
        Ok(())
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// The host in an address as older files have it: `https://host/v1/`.
fn host_of(address: &str) -> &str {
    let rest = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://")).unwrap_or(address);
    rest.split('/').next().unwrap_or_default()
}
