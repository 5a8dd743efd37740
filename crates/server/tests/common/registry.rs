//! A registry on loopback, without TLS.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::web::{Page, Web};

fn sha(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Puts a version of a chart into a registry, with what its `Chart.yaml` says; gives the digest of the archive.
pub(crate) fn push(web: &Web, path: &str, tag: &str, archive: &[u8], proof: Option<&str>) -> String {
    let config =
        json!({"name": "shop", "version": tag.replace('_', "+"), "apiVersion": "v2", "appVersion": "4.5"}).to_string();
    let mut layers = vec![json!({
        "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": sha(archive), "size": archive.len(),
    })];
    if let Some(proof) = proof {
        layers.push(json!({
            "mediaType": "application/vnd.cncf.helm.chart.provenance.v1.prov", "digest": sha(proof.as_bytes()), "size": proof.len(),
        }));
        web.put(&format!("/v2/{path}/blobs/{}", sha(proof.as_bytes())), proof);
    }
    let manifest = json!({
        "schemaVersion": 2,
        "config": {
            "mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": sha(config.as_bytes()), "size": config.len(),
        },
        "layers": layers,
    });
    web.put(&format!("/v2/{path}/blobs/{}", sha(config.as_bytes())), config.as_str());
    web.put(&format!("/v2/{path}/blobs/{}", sha(archive)), archive);
    let manifest = manifest.to_string();
    web.put(&format!("/v2/{path}/manifests/{}", sha(manifest.as_bytes())), manifest.as_str());
    web.put(&format!("/v2/{path}/manifests/{tag}"), manifest);
    sha(archive)
}

/// Says which versions of a chart there are.
pub(crate) fn tags(web: &Web, path: &str, tags: &[&str]) {
    web.put(&format!("/v2/{path}/tags/list"), json!({"name": path, "tags": tags}).to_string());
}

/// An answer that says when to ask again.
pub(crate) fn busy(seconds: u64) -> Page {
    Page { status: 429, headers: vec![("Retry-After".to_owned(), seconds.to_string())], ..Page::default() }
}
