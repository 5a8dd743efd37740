//! What commands share that have to do with chart repositories: where things are kept, who we are there, and what is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use depot::oci::{Logins, Registry};
use depot::{Access, Fetcher, Found, Home, Index, Notice, Pem, Proxy, Skipped};

use crate::command::Call;
use crate::fail::{Fail, Outcome};
use crate::log::{Level, log};
use crate::{provenance, settings};

/// How long a fetch may take when no flag says so (as Helm 4.3: `pkg/getter/getter.go`).
const USUAL: Duration = Duration::from_secs(120);
/// How long one request to a registry may take. Helm waits for ever.
const PATIENT: Duration = Duration::from_secs(1800);

/// Where a user keeps what is known of repositories.
pub(crate) fn home(call: &Call) -> Home {
    let path = |flag: &str| PathBuf::from(call.settings.text(flag));
    Home { repositories: path("repository-config"), cache: path("repository-cache"), content: path("content-cache") }
}

/// What fetches; a proxy is that of the usual variables.
pub(crate) fn fetcher(timeout: Option<Duration>) -> Fetcher {
    Fetcher::new(concat!("whipstaff/", env!("CARGO_PKG_VERSION")), timeout.unwrap_or(USUAL), Proxy::try_from_env())
}

/// The time, as Go prints it.
pub(crate) fn now() -> String {
    let now = jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.9f%:z").to_string();
    chart::time::normalize(&now).unwrap_or(now)
}

/// Who we are, as flags say.
pub(crate) fn access(call: &Call) -> Access {
    let text = |flag: &str| call.flags.text(flag).to_owned();
    Access {
        url: String::new(),
        username: text("username"),
        password: text("password"),
        certificate: Pem::file(call.flags.text("cert-file")),
        key: Pem::file(call.flags.text("key-file")),
        authorities: Pem::file(call.flags.text("ca-file")),
        insecure: call.flags.on("insecure-skip-tls-verify"),
        pass_everywhere: call.flags.on("pass-credentials"),
    }
}

/// Which version is wanted: that of the flag, or with --devel any.
pub(crate) fn version(call: &Call) -> String {
    match call.flags.text("version").trim() {
        "" if call.flags.on("devel") => ">0.0.0-0".to_owned(),
        version => version.to_owned(),
    }
}

/// Finds a chart in a repository, as flags and arguments name it.
pub(crate) fn find(call: &Call, name: &str, home: &Home, fetcher: &Fetcher) -> Outcome<Found> {
    let version = version(call);
    Ok(match call.flags.text("repo") {
        "" => depot::resolve(home, name, &version, &access(call), &mut tell)?,
        url => depot::find_in(home, url, name, &version, &access(call), fetcher, &mut tell)?,
    })
}

/// How registries are spoken to, as flags and settings say; `access` is who we are there.
pub(crate) fn registry(call: &Call, access: Access) -> Registry {
    let logins = Logins {
        own: PathBuf::from(call.settings.text("registry-config")),
        docker: settings::docker_config(),
        keychain: settings::keychain(),
    };
    Registry::new(fetcher(Some(PATIENT)), access, logins, call.flags.on("plain-http"))
}

/// Tells on standard error what a person should know of an index.
pub(crate) fn tell(notice: Notice) {
    match notice {
        Notice::Skipped { skipped, source } => not_taken(&skipped, &source),
        Notice::Nearest { chart, requested, selected } => {
            let message = "unable to find exact version requested; falling back to closest available version";
            log(Level::Warn, message, &[("chart", &chart), ("requested", &requested), ("selected", &selected)]);
        }
    }
}

/// Checks a chart against its provenance file, both being bytes; they are written where only we look.
pub(crate) fn verify(call: &Call, name: &str, chart: &[u8], proof: &[u8]) -> Outcome<chart::provenance::Verified> {
    let scratch = tempfile::Builder::new().prefix("helm-").tempdir()?;
    let path = scratch.path().join(name);
    write(&path, chart)?;
    write(&scratch.path().join(format!("{name}.prov")), proof)?;
    provenance::verify(&path.to_string_lossy(), call.flags.some("keyring"))
}

/// Writes a file that is there whole or not at all, for all to read.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Outcome {
    let failed =
        |error: &std::io::Error| Fail::new(format!("open {}: {}", path.display(), chart::text::io_error(error)));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".whipstaff-").tempfile_in(folder).map_err(|e| failed(&e))?;
    std::io::Write::write_all(&mut file, bytes).map_err(|error| failed(&error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let all = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(all).map_err(|error| failed(&error))?;
    }
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// Tells which versions of an index are not taken; `source` is where it comes from.
pub(crate) fn tell_skipped(index: &Index, source: &str) {
    index.skipped.iter().for_each(|skipped| not_taken(skipped, source));
}

fn not_taken(skipped: &Skipped, source: &str) {
    let name = ("name", skipped.chart.as_str());
    match &skipped.reason {
        None => {
            let message = "skipping loading invalid entry for chart: empty entry";
            log(Level::Warn, message, &[name, ("source", source)]);
        }
        Some((version, reason)) => {
            let attributes = [name, ("version", version), ("source", source), ("error", reason)];
            log(Level::Warn, "skipping loading invalid entry for chart", &attributes);
        }
    }
}
