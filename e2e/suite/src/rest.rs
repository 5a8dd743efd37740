//! The REST API in the words of the cases: upload, install, upgrade, look, go back, take away.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::check;
use crate::http::{Http, Response};

/// How long a change may take before a case gives up on it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks for the finished operation.
pub(crate) const WAIT: (&str, &str) = ("Prefer", "wait=60");
/// The body is JSON.
pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Returns the path of a namespace's releases.
pub(crate) fn releases(namespace: &str) -> String {
    format!("/v1/clusters/default/namespaces/{namespace}/releases")
}

/// Returns the path of a release.
pub(crate) fn release(namespace: &str, name: &str) -> String {
    format!("{}/{name}", releases(namespace))
}

impl Http {
    /// Uploads an archive and returns its digest.
    pub(crate) fn upload(&self, archive: &[u8]) -> Result<String> {
        let answer = self.send("POST", "/v1/charts", &[("Content-Type", "application/gzip")], archive)?;
        Ok(check::text(&answer.expect_any(&[200, 201])?.json()?, "/digest")?.to_owned())
    }

    /// Uploads an archive that is a file.
    pub(crate) fn upload_file(&self, path: &Path) -> Result<String> {
        self.upload(&std::fs::read(path).with_context(|| format!("reading {}", path.display()))?)
    }

    /// Sends JSON.
    pub(crate) fn send_json(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Response> {
        self.send(method, path, &[&[JSON], headers].concat(), body.to_string().as_bytes())
    }

    /// Sends a change and returns the operation that succeeded.
    pub(crate) fn change(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = if method == "DELETE" {
            self.send(method, path, &[WAIT], b"")?
        } else {
            self.send_json(method, path, &[WAIT], body)?
        };
        let operation = self.finish(answer)?;
        check::is(&operation, "/state", "succeeded").with_context(|| format!("{method} {path}"))?;
        Ok(operation)
    }

    /// Follows an answer to a change to its finished operation.
    pub(crate) fn finish(&self, answer: Response) -> Result<Value> {
        let answer = answer.expect_any(&[200, 201, 202])?;
        let mut operation = answer.json()?;
        let deadline = Instant::now() + PATIENCE;
        let path = format!("/v1/operations/{}", check::text(&operation, "/id")?);
        while operation["done"] != true {
            if Instant::now() > deadline {
                bail!("the operation is not done after {} s: {operation}", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(50));
            operation = self.get_json(&path)?;
        }
        Ok(operation)
    }

    /// Installs or upgrades and returns the operation that succeeded.
    pub(crate) fn put(&self, namespace: &str, name: &str, body: &Value) -> Result<Value> {
        self.change("PUT", &release(namespace, name), body)
    }

    /// Uninstalls.
    pub(crate) fn uninstall(&self, namespace: &str, name: &str) -> Result<Value> {
        self.change("DELETE", &release(namespace, name), &Value::Null)
    }

    /// Fails unless a release has this revision and status.
    pub(crate) fn expect_release(&self, namespace: &str, name: &str, revision: u32, status: &str) -> Result<Value> {
        let found = self.get_json(&release(namespace, name))?;
        check::is(&found, "/revision", revision)?;
        check::is(&found, "/status", status)?;
        Ok(found)
    }

    /// Fails unless a namespace has no releases.
    pub(crate) fn expect_no_releases(&self, namespace: &str) -> Result<()> {
        let found = self.get_json(&releases(namespace))?;
        check::equal("releases left behind", check::list(&found, "/items")?, &Vec::<Value>::new())
    }
}

/// Makes a body that installs an uploaded chart with values, waits for all of it and makes the namespace.
pub(crate) fn body(digest: &str, values: Value) -> Value {
    json!({
        "chart": {"upload": digest},
        "values": values,
        "createNamespace": true,
        "wait": {"strategy": "watcher", "timeout": "60s"},
    })
}
