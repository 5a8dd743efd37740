//! The settings of `serve` that say which further clusters there are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use cluster::Cluster;
use engine::{Engine, Settings};
use jiff::Timestamp;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use server::{App, ClusterInfo, Hosts};
use tiller::{Bridge, BridgeTls};

use crate::connect;
use crate::fail::{Outcome, fail};
use crate::serving::Effective;

/// How long a connection to a further cluster may take.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(5);

/// The further clusters.
#[derive(Debug)]
pub(crate) struct Further {
    /// Names, and their contexts.
    clusters: Vec<(String, String)>,
    /// Names of Tillers, and where they are.
    tillers: Vec<(String, String)>,
    /// How these are spoken to in secret: their authorities, and what we show.
    authorities: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    /// Where those may be that are added later.
    pub(crate) hosts: Hosts,
}

impl Further {
    /// Reads the settings.
    pub(crate) fn read(settings: &Effective) -> Outcome<Self> {
        let clusters = settings.list("cluster").iter().map(|text| {
            let (name, context) = text.split_once('=').unwrap_or((text, text));
            (name.to_owned(), context.to_owned())
        });
        let hosts = Hosts::read(settings.list("allow-cluster-hosts"))
            .map_err(|error| settings.wrong("allow-cluster-hosts", &error))?;
        let tillers = settings.list("tiller").iter().map(|text| {
            let pair = text.split_once('=').map(|(name, address)| (name.to_owned(), address.to_owned()));
            pair.ok_or_else(|| settings.wrong_text("tiller", text, &"a name and an address, as in old=10.0.0.7:44134"))
        });
        let path = |name: &str| settings.some(name).map(PathBuf::from);
        let identity = match (path("tiller-client-cert-file"), path("tiller-client-key-file")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => fail!("`tiller-client-cert-file` and `tiller-client-key-file` go together"),
        };
        let authorities = path("tiller-ca-file");
        if identity.is_some() && authorities.is_none() {
            fail!("{} is needed to show a certificate", settings.called("tiller-ca-file"));
        }
        let tillers = tillers.collect::<Result<_, _>>()?;
        Ok(Self { clusters: clusters.collect(), tillers, authorities, identity, hosts })
    }

    /// Adds them to the server.
    pub(crate) async fn join(&self, mut app: App, file: Option<&Path>, settings: &Settings) -> Result<App> {
        for (name, context) in &self.clusters {
            let (engine, info) =
                reach(context, file, settings).await.with_context(|| format!("--cluster {name}={context}"))?;
            app = app.with_cluster(name, engine, info).with_context(|| format!("--cluster {name}"))?;
        }
        for (name, address) in &self.tillers {
            let bridge = Bridge::new(address, self.tls()?).with_context(|| format!("--tiller {name}={address}"))?;
            app = app.with_tiller(name, bridge).with_context(|| format!("--tiller {name}"))?;
        }
        Ok(app)
    }
}

impl Further {
    fn tls(&self) -> Result<Option<BridgeTls>> {
        let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
        let Some(authorities) = &self.authorities else { return Ok(None) };
        let identity = match &self.identity {
            Some((certificate, key)) => Some((read(certificate)?, read(key)?)),
            None => None,
        };
        Ok(Some(BridgeTls { authorities: read(authorities)?, identity, name: None }))
    }
}

async fn reach(context: &str, file: Option<&Path>, settings: &Settings) -> Result<(Engine, ClusterInfo)> {
    let kubeconfig = match file {
        Some(path) => Kubeconfig::read_from(path)?,
        None => Kubeconfig::read()?,
    };
    let credentials = credentials(&kubeconfig, context);
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    config.connect_timeout = Some(CONNECT);
    let server = Some(config.cluster_url.to_string());
    let info = ClusterInfo { server, context: Some(context.to_owned()), credentials: Some(credentials) };
    let client = server::patient(&kube::Client::try_from(config)?);
    let clock: ::release::Clock = Arc::new(Timestamp::now);
    let ledger = connect::ledger_of_further(&client, &clock).map_err(|fail| anyhow::anyhow!("{}", fail.text))?;
    Ok((Engine::with_ledger(Cluster::new(client), ledger, clock, settings.clone()), info))
}

/// How the context's user says who it is.
fn credentials(kubeconfig: &Kubeconfig, context: &str) -> api::ClusterCredentials {
    let found = kubeconfig.contexts.iter().find(|known| known.name == context).and_then(|known| known.context.as_ref());
    let user = found.and_then(|context| context.user.as_ref());
    let auth = kubeconfig.auth_infos.iter().find(|known| Some(&known.name) == user);
    let Some(auth) = auth.and_then(|known| known.auth_info.as_ref()) else { return api::ClusterCredentials::None };
    kind(auth)
}

fn kind(auth: &AuthInfo) -> api::ClusterCredentials {
    if auth.token.is_some() || auth.token_file.is_some() {
        api::ClusterCredentials::Token
    } else if auth.client_certificate_data.is_some() || auth.client_certificate.is_some() {
        api::ClusterCredentials::Certificate
    } else if auth.username.is_some() {
        api::ClusterCredentials::Password
    } else if auth.exec.is_some() || auth.auth_provider.is_some() {
        api::ClusterCredentials::Other
    } else {
        api::ClusterCredentials::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::parse;

    fn read(args: &[&str]) -> Result<Further, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let settings = Effective::read(&parse(crate::serving::FLAGS, &args).unwrap(), &|_| None);
        settings.and_then(|settings| Further::read(&settings)).map_err(|fail| fail.text)
    }

    #[test]
    fn a_cluster_has_the_name_of_its_context_or_another() {
        let found = read(&["--cluster=lab,prod=arn:aws:eks:x/y", "--cluster", "a=b=c"]).unwrap();
        let pairs: Vec<(&str, &str)> = found.clusters.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(pairs, [("lab", "lab"), ("prod", "arn:aws:eks:x/y"), ("a", "b=c")]);
        assert_eq!(found.hosts, Hosts::default());
        let error = read(&["--allow-cluster-hosts=https://x"]).unwrap_err();
        assert!(error.contains("`https://x` is no host such as"), "{error}");
    }
}
