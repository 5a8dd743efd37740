//! `repositories.yaml`: which repositories there are (as Helm 4.3: `pkg/repo/v1/repo.go`).

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError, create_dir_all};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chart::time;
use goyaml::{Map, Value};

use crate::error::Error;
use crate::fetch::{Access, Pem};

/// A repository and how it is reached.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// What it is called here.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// The user there.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// Our certificate.
    pub cert_file: String,
    /// The key of our certificate.
    pub key_file: String,
    /// The authority of its certificate.
    pub ca_file: String,
    /// Its certificate is not checked.
    pub insecure_skip_tls_verify: bool,
    /// User and password go to every host that it leads to.
    pub pass_credentials_all: bool,
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Repository {
    /// Says who we are there.
    #[must_use]
    pub fn access(&self) -> Access {
        Access {
            url: self.url.clone(),
            username: self.username.clone(),
            password: self.password.clone(),
            certificate: Pem::file(&self.cert_file),
            key: Pem::file(&self.key_file),
            authorities: Pem::file(&self.ca_file),
            insecure: self.insecure_skip_tls_verify,
            pass_everywhere: self.pass_credentials_all,
        }
    }

    fn read(value: Value) -> Result<Self, String> {
        let mut repository = Self::default();
        let map = match value {
            Value::Map(map) => map,
            other => return Err(wrong(&other, "Go struct field File.repositories", "repo.Entry")),
        };
        for (key, value) in map {
            let place = |name: &str| format!("Go struct field Entry.repositories.{name}");
            match key.to_ascii_lowercase().as_str() {
                "name" => text(&value, &place("name"), &mut repository.name)?,
                "url" => text(&value, &place("url"), &mut repository.url)?,
                "username" => text(&value, &place("username"), &mut repository.username)?,
                "password" => text(&value, &place("password"), &mut repository.password)?,
                "certfile" => text(&value, &place("certFile"), &mut repository.cert_file)?,
                "keyfile" => text(&value, &place("keyFile"), &mut repository.key_file)?,
                "cafile" => text(&value, &place("caFile"), &mut repository.ca_file)?,
                "insecure_skip_tls_verify" => {
                    let place = place("insecure_skip_tls_verify");
                    flag(&value, &place, &mut repository.insecure_skip_tls_verify)?;
                }
                "pass_credentials_all" => {
                    flag(&value, &place("pass_credentials_all"), &mut repository.pass_credentials_all)?;
                }
                _ => {}
            }
        }
        Ok(repository)
    }

    fn value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [
            ("name", &self.name),
            ("url", &self.url),
            ("username", &self.username),
            ("password", &self.password),
            ("certFile", &self.cert_file),
            ("keyFile", &self.key_file),
            ("caFile", &self.ca_file),
        ] {
            map.insert(key.to_owned(), Value::Str(text.clone()));
        }
        map.insert("insecure_skip_tls_verify".to_owned(), Value::Bool(self.insecure_skip_tls_verify));
        map.insert("pass_credentials_all".to_owned(), Value::Bool(self.pass_credentials_all));
        Value::Map(map)
    }
}

fn wrong(value: &Value, place: &str, wanted: &str) -> String {
    let kind = value.json_kind();
    format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into {place} of type {wanted}")
}

fn text(value: &Value, place: &str, into: &mut String) -> Result<(), String> {
    match value.scalar_text() {
        Some(text) => *into = text,
        None if value.is_null() => {}
        None => return Err(wrong(value, place, "string")),
    }
    Ok(())
}

fn flag(value: &Value, place: &str, into: &mut bool) -> Result<(), String> {
    match value {
        Value::Bool(value) => *into = *value,
        Value::Null => {}
        other => return Err(wrong(other, place, "bool")),
    }
    Ok(())
}

/// The file.
#[derive(Clone, Debug, Default)]
pub struct Repositories {
    api_version: String,
    generated: String,
    /// The repositories; `None` when the file does not say.
    list: Option<Vec<Repository>>,
    /// What is wrong with the file; what could be read of it is there all the same.
    pub problem: Option<String>,
}

impl Repositories {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read at all. What is wrong with what it says is [`Repositories::problem`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|cause| Error::Repositories(path.to_owned(), cause))?;
        Ok(Self::of(&bytes))
    }

    /// Reads the file; none is an empty one.
    ///
    /// # Errors
    /// When it cannot be read, or is not what it has to be.
    pub fn read_or_new(path: &Path) -> Result<Self, Error> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(Error::file("open", path))?,
        };
        let file = Self::of(&bytes);
        match &file.problem {
            Some(problem) => Err(Error::text(problem.clone())),
            None => Ok(file),
        }
    }

    fn of(bytes: &[u8]) -> Self {
        let mut file = Self { generated: time::ZERO.to_owned(), ..Self::default() };
        match goyaml::from_yaml_keep_ints(bytes) {
            Ok(Value::Map(map)) => file.problem = file.take(map).err(),
            Ok(Value::Null) => {}
            Ok(other) => file.problem = Some(wrong(&other, "Go value", "repo.File")),
            Err(error) => file.problem = Some(error.to_string()),
        }
        file
    }

    fn take(&mut self, map: Map) -> Result<(), String> {
        for (key, value) in map {
            match key.to_ascii_lowercase().as_str() {
                "apiversion" => text(&value, "Go struct field File.apiVersion", &mut self.api_version)?,
                "generated" => {
                    match value {
                        Value::Str(text) => {
                            let read = time::normalize(&text);
                            self.generated = read
                                .map_err(|reason| format!("error unmarshaling JSON: while decoding JSON: {reason}"))?;
                        }
                        Value::Null => {}
                        _ => {
                            return Err("error unmarshaling JSON: while decoding JSON: Time.UnmarshalJSON: input is not a JSON \
                                    string"
                            .to_owned());
                        }
                    }
                }
                "repositories" => match value {
                    Value::Seq(items) => {
                        // Helm cannot do anything with what is null there but drop it, or die of it.
                        let items = items.into_iter().filter(|item| !item.is_null());
                        self.list = Some(items.map(Repository::read).collect::<Result<_, _>>()?);
                    }
                    Value::Null => {}
                    other => return Err(wrong(&other, "Go struct field File.repositories", "[]*repo.Entry")),
                },
                _ => {}
            }
        }
        Ok(())
    }

    /// The repositories in the order they were added.
    #[must_use]
    pub fn list(&self) -> &[Repository] {
        self.list.as_deref().unwrap_or_default()
    }

    /// Finds a repository.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Repository> {
        self.list().iter().find(|repository| repository.name == name)
    }

    /// Adds a repository, or replaces the one of its name.
    pub fn put(&mut self, repository: Repository) {
        let list = self.list.get_or_insert_default();
        match list.iter_mut().find(|known| known.name == repository.name) {
            Some(known) => *known = repository,
            None => list.push(repository),
        }
    }

    /// Removes a repository; tells whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let list = self.list.get_or_insert_default();
        let before = list.len();
        list.retain(|repository| repository.name != name);
        list.len() < before
    }

    /// Writes the file, for its owner only when it is new. It is replaced as a whole, so nobody sees half of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let repositories = self.list.as_ref().map(|list| list.iter().map(Repository::value).collect::<Vec<_>>());
        let file: Value = [
            ("apiVersion", Value::Str(self.api_version.clone())),
            ("generated", Value::Str(self.generated.clone())),
            ("repositories", repositories.map_or(Value::Null, Value::Seq)),
        ]
        .into_iter()
        .collect();
        let text = goyaml::to_yaml(&file).map_err(|error| Error::text(error.to_string()))?;
        // A link stays one.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        create_dir_all(folder).map_err(Error::file("mkdir", folder))?;
        let mut temporary =
            tempfile::Builder::new().prefix(".whipstaff-").tempfile_in(folder).map_err(Error::file("open", &path))?;
        temporary.write_all(text.as_bytes()).map_err(Error::file("write", &path))?;
        if let Ok(before) = path.metadata() {
            temporary.as_file().set_permissions(before.permissions()).map_err(Error::file("chmod", &path))?;
        }
        temporary.as_file().sync_all().map_err(Error::file("write", &path))?;
        temporary.persist(&path).map_err(|error| Error::file("rename", &path)(error.error))?;
        Ok(())
    }
}

/// Keeps others from changing the file meanwhile, Helm among them; ends with the value.
#[derive(Debug)]
pub struct Guard(#[expect(dead_code, reason = "it is held")] File);

impl Guard {
    /// Waits until nobody else changes the file.
    ///
    /// # Errors
    /// When that takes longer than `patience`, or there can be no lock.
    pub fn take(repositories: &Path, patience: Duration) -> Result<Self, Error> {
        if let Some(folder) = repositories.parent() {
            create_dir_all(folder).map_err(Error::file("mkdir", folder))?;
        }
        let path = lock_path(repositories);
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(Error::file("open", &path))?;
        let end = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(cause)) => return Err(Error::file("flock", &path)(cause)),
                Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                    return Err(Error::text("context deadline exceeded"));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

/// The lock has the file's name with another extension (as Helm 4.3: `pkg/cmd/repo_add.go`).
fn lock_path(repositories: &Path) -> PathBuf {
    let text = repositories.to_string_lossy();
    match text.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.contains('/') => {
            PathBuf::from(format!("{stem}.lock"))
        }
        _ => PathBuf::from(format!("{text}.lock")),
    }
}

#[cfg(test)]
mod tests;
