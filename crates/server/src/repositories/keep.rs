//! Keeping repositories current: every replica watches the Secrets that name them.

use std::sync::atomic::Ordering;

use api::Problem;
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;

use super::Repositories;
use super::store::{REPOSITORY, Stored, name_of};
use crate::home::{Heard, Home, Keeper, follow};

/// Keeps them current, for as long as it is polled.
pub(crate) async fn keep(home: &Home, repositories: &Repositories) {
    follow(home, repositories).await;
}

impl Keeper for Repositories {
    type Kind = Secret;

    const LABEL: &'static str = REPOSITORY;
    const NAME: &'static str = "the Secrets that name repositories";

    fn objects(home: &Home) -> Result<Api<Secret>, Box<Problem>> {
        home.secrets()
    }

    fn take(&self, heard: Heard<Secret>) {
        let name = |secret: &Secret| secret.metadata.name.as_deref().and_then(name_of).map(str::to_owned);
        match heard {
            Heard::All(secrets, version) => {
                self.replace(secrets.iter().filter_map(Stored::read).collect(), &version);
                self.looked.store(true, Ordering::Release);
            }
            Heard::There(secret) => match (Stored::read(&secret), name(&secret)) {
                (Some(stored), _) => self.put(stored),
                (None, Some(name)) => self.remove(&name),
                (None, None) => {}
            },
            Heard::Gone(secret) => {
                if let Some(name) = name(&secret) {
                    self.remove(&name);
                }
            }
            Heard::UpTo(_) | Heard::Lost => {}
        }
    }
}
