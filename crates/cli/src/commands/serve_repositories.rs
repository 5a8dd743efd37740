//! `whipstaff serve`: where charts may be fetched from, and where they are kept.

use std::path::PathBuf;

use depot::oci::{Reference, SCHEME};
use server::{Config, Hosts};

use crate::fail::Outcome;
use crate::serving::Effective;

/// Takes in what is set about repositories.
pub(super) fn read(settings: &Effective, config: Config) -> Outcome<Config> {
    let hosts = match settings.list("allow-repository-hosts") {
        [] => Hosts::public(),
        list => Hosts::read(list).map_err(|error| settings.wrong("allow-repository-hosts", &error))?,
    };
    let registries = settings.list("allow-registries").to_vec();
    for place in &registries {
        let bare = place.strip_prefix(SCHEME).unwrap_or(place).trim_end_matches('/');
        let found = Reference::parse(&format!("{bare}/x"));
        if !found.is_ok_and(|found| found.tag.is_empty() && found.digest.is_empty()) {
            return Err(settings.wrong_text(
                "allow-registries",
                place,
                &"a place in a registry such as ghcr.io/example",
            ));
        }
    }
    Ok(Config {
        repository_hosts: hosts,
        registries,
        refresh_interval: settings.some_time("refresh-interval")?,
        cache: settings.some("cache-dir").map(PathBuf::from),
        cache_size: settings.size("cache-size")? as u64,
        ..config
    })
}
