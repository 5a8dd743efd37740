//! `whipstaff serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ::release::Clock;
use anyhow::{Context, Result};
use cluster::Cluster;
use engine::{Engine, Holder, Settings};
use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::command::{Call, Command, PLAIN};
use crate::commands::serve_clusters::Further;
use crate::commands::{serve_auth, serve_repositories};
use crate::connect;
use crate::fail::{Fail, Outcome, fail};
use crate::flags::go_span;
use crate::heap;
use crate::sample;
use crate::serving::{self, Effective, Telling};
use crate::tillers;

pub(crate) static COMMAND: Command = Command {
    name: "serve",
    usage: "serve",
    about: "serve the REST API",
    long: "Serves the API over the current kubeconfig context, over a pod's service account, or over an in-process\n\
           Kubernetes API (--sandbox) that needs no cluster at all and forgets everything when it ends.\n\n\
           Records are kept where $HELM_DRIVER says. Without --auth everybody on this machine is answered, and nobody else is.\n\
           With --auth each request has a bearer token, and everything is done in the name of whoever it belongs to, so that\n\
           Kubernetes' RBAC decides.\n\n\
           All that flags say can stand in a file (--config) and in variables ($WHIPSTAFF_LISTEN for --listen, and so on):\n\
           flags win over variables, and these over the file. --print-config shows what comes out.",
    examples: &[
        "whipstaff serve --sandbox",
        "whipstaff serve --listen 127.0.0.1:9000 --kube-context staging",
        "whipstaff serve --config whipstaff.yaml --log-format json",
        "whipstaff serve --sandbox --repository-dir ./charts",
        "whipstaff serve --tiller-listen 127.0.0.1:44134",
        "whipstaff serve --kube-context staging --cluster prod=admin@prod.example.com --cluster lab",
        "whipstaff serve --listen 0.0.0.0:8443 --auth tokenreview,apikey --tls-cert-file tls.crt --tls-key-file tls.key",
    ],
    flags: serving::FLAGS,
    exclusive: &[
        &["sandbox", "kubeconfig"],
        &["sandbox", "kube-context"],
        &["sandbox", "context"],
        &["sandbox", "cluster"],
    ],
    run: Some(run),
    ..PLAIN
};

/// What is to be served.
#[derive(Debug)]
struct Args {
    sandbox: bool,
    sandbox_listen: Option<SocketAddr>,
    kubeconfig: Option<PathBuf>,
    kube_context: Option<String>,
    settings: Settings,
    /// Without a word about it, the client's own: the service account's or that of the kubeconfig context.
    namespace: Option<String>,
    config: server::Config,
    /// A folder to serve as a chart repository.
    repository: Option<PathBuf>,
    further: Further,
    /// A Tiller for clients of Helm 2.
    tiller: Option<tillers::Wanted>,
    telling: Telling,
}

impl Args {
    fn read(settings: &Effective, context: Option<&str>) -> Outcome<Self> {
        let listen = address(settings, "listen")?.unwrap_or_else(|| server::Config::default().listen);
        let (retention, grace) = serving::times(settings)?;
        let limits = serving::limits(settings)?;
        let further = Further::read(settings)?;
        let config = server::Config {
            listen,
            retention,
            grace,
            limits,
            cluster_hosts: further.hosts.clone(),
            require_preconditions: settings.on("require-preconditions"),
            ..server::Config::default()
        };
        let args = Self {
            sandbox: settings.on("sandbox"),
            sandbox_listen: address(settings, "sandbox-listen")?,
            kubeconfig: settings.some("kubeconfig").map(PathBuf::from),
            kube_context: settings.some("kube-context").or(context).map(str::to_owned),
            settings: engine_settings(settings)?,
            namespace: settings.some("namespace").map(str::to_owned),
            config: serve_auth::read(settings, serve_repositories::read(settings, config)?)?,
            repository: settings.some("repository-dir").map(PathBuf::from),
            further,
            tiller: tillers::Wanted::read(settings)?,
            telling: Telling::read(settings)?,
        };
        if args.sandbox_listen.is_some() && !args.sandbox {
            fail!("{} needs --sandbox", settings.called("sandbox-listen"));
        }
        // What is said less strongly, such as in a file, gives way.
        if let Some(other) =
            settings.as_strong_as("sandbox", &["kubeconfig", "kube-context", "cluster"]).filter(|_| args.sandbox)
        {
            fail!("{} and {} exclude each other", settings.called("sandbox"), settings.called(other));
        }
        Ok(args)
    }
}

fn address(settings: &Effective, name: &str) -> Outcome<Option<SocketAddr>> {
    let parse =
        |text: &str| text.parse().map_err(|error| settings.wrong(name, &format!("{error}, as in 127.0.0.1:8080")));
    settings.some(name).map(parse).transpose()
}

/// What is the same for every change.
fn engine_settings(settings: &Effective) -> Outcome<Settings> {
    let wrong = || settings.wrong("unlock-after", &"a time such as 24h");
    let age = |text| go_span(text).filter(|age| !age.is_zero()).ok_or_else(wrong);
    Ok(Settings {
        holder: settings.some("instance").map_or_else(Holder::default, Holder::only),
        unlock_after: settings.some("unlock-after").map(age).transpose()?,
        ..Settings::guarded()
    })
}

/// A variable that says something.
fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn run(call: &Call) -> Outcome {
    if !call.flags.on("print-config") {
        heap::give_back_at_once();
    }
    // One crypto provider for the whole process; every TLS library of ours is built without one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = Effective::read(&call.flags, &given)?;
    let mut args = Args::read(&settings, call.flags.some("context"))?;
    if call.flags.on("print-config") {
        return crate::output::print(&serving::print(&settings));
    }
    let telling = serving::begin(&args.telling)?;
    args.config.traced = telling.traced();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(args));
    telling.end();
    served.map_err(|error| Fail::new(format!("{error:#}")))
}

async fn serve(args: Args) -> Result<()> {
    let mut config = args.config.clone();
    let open = |path: &PathBuf| {
        let what = || format!("cannot serve the folder `{}` as a chart repository", path.display());
        server::OwnRepository::open(path).with_context(what)
    };
    config.repository = args.repository.as_ref().map(open).transpose()?;
    let listener = server::bind(&config).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let (client, about) = match args.sandbox {
        true => sandbox(&args).await?,
        false => cluster(&args).await?,
    };
    config.namespace = args.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let (scheme, is_open) = (if config.tls.is_some() { "https" } else { "http" }, !config.auth.is_on());
    let clock: Clock = Arc::new(Timestamp::now);
    let ledger = connect::ledger(&client, &clock).await.map_err(|fail| anyhow::anyhow!("{}", fail.text))?;
    let cluster = Cluster::new(client);
    let engine = Engine::with_ledger(cluster.clone(), ledger, clock, args.settings.clone());
    let app = server::App::new(config, engine);
    let app = args.further.join(app, args.kubeconfig.as_deref(), &args.settings).await?;
    println!("whipstaff {} serves {about} on {scheme}://{address}", env!("CARGO_PKG_VERSION"));
    if let Some(path) = &args.repository {
        println!("the folder {} is the chart repository {scheme}://{address}/repository", path.display());
    }
    if args.sandbox && is_open {
        let archive = chart::pack("hello", &sample::files()).context("cannot pack the sample chart")?;
        let uploaded = app.upload(archive.into()).await.map_err(|problem| anyhow::anyhow!("{}", problem.title))?;
        println!("{}", session(address, &uploaded.digest));
    } else {
        let who = if is_open { "" } else { " -H 'Authorization: Bearer TOKEN'" };
        let base = format!("{scheme}://{address}");
        println!("\nTry:\n  curl -s{who} {base}/v1/clusters/default/releases\nRead: {base}/docs");
    }
    let Some(tiller) = args.tiller else { return Ok(server::serve(listener, app, shutdown()).await?) };
    let tiller = tiller.serve(cluster, args.settings, shutdown());
    tokio::try_join!(async { Ok(server::serve(listener, app, shutdown()).await?) }, tiller)?;
    Ok(())
}

/// A sandbox and what to call it.
async fn sandbox(args: &Args) -> Result<(kube::Client, String)> {
    let sandbox = sandbox::Sandbox::new(sandbox::Config::default());
    if let Some(address) = args.sandbox_listen {
        anyhow::ensure!(address.ip().is_loopback(), "the sandbox has no secrets to keep: it listens on loopback only");
        let listener =
            tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        println!("the sandbox's Kubernetes API is on http://{}", listener.local_addr()?);
        let sandbox = sandbox.clone();
        tokio::spawn(async move { sandbox.serve(listener).await });
    }
    Ok((sandbox.client(), "a sandbox".to_owned()))
}

/// The cluster that the flags and the environment name.
async fn cluster(args: &Args) -> Result<(kube::Client, String)> {
    let options = KubeConfigOptions { context: args.kube_context.clone(), ..KubeConfigOptions::default() };
    let config = match &args.kubeconfig {
        Some(path) => {
            let kubeconfig =
                Kubeconfig::read_from(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?
        }
        None if args.kube_context.is_some() => kube::Config::from_kubeconfig(&options).await?,
        None => kube::Config::infer()
            .await
            .context("no cluster: name one with `--kubeconfig` or $KUBECONFIG, or try `whipstaff serve --sandbox`")?,
    };
    let about = format!("the cluster at {}", config.cluster_url);
    Ok((kube::Client::try_from(config)?, about))
}

/// What to try, ready to be pasted.
fn session(address: SocketAddr, digest: &str) -> String {
    format!(
        r#"
A sample chart is uploaded as {digest}.
Paste this into another terminal:

  api=http://{address}; web=$api/v1/clusters/default/namespaces/web/releases

  curl -s -X PUT $web/shop -H 'Content-Type: application/yaml' -H 'Prefer: wait=60' --data-binary '
    chart: {{upload: "{digest}"}}
    values: {{message: Good morning, replicas: 2}}
    createNamespace: true'

  curl -s $web/shop/notes
  curl -s -H 'Accept: application/yaml' $web/shop
  curl -s $api/v1/clusters/default/releases
  curl -s -X POST $api/v1/template -H 'Content-Type: application/yaml' --data-binary '
    chart: {{upload: "{digest}"}}
    name: shop'
  curl -s -X DELETE -H 'Prefer: wait=60' $web/shop

Your own chart:  curl -s --data-binary @chart.tgz -H 'Content-Type: application/gzip' $api/v1/charts
The reference:   http://{address}/docs
"#
    )
}

/// Ends on Ctrl-C or SIGTERM.
pub(crate) async fn shutdown() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::flags::parse;

    fn read(args: &[&str]) -> Result<Args, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let settings = Effective::read(&parse(serving::FLAGS, &args).unwrap(), &|_| None);
        settings.and_then(|settings| Args::read(&settings, None)).map_err(|fail| fail.text)
    }

    #[test]
    fn what_is_said_of_locks_reaches_the_engine() {
        let plain = read(&[]).unwrap().settings;
        assert_eq!(plain.unlock_after, None, "a Helm may be waiting for as long as it was told to");
        let told = read(&["--unlock-after", "1h30m", "--instance=whipstaff-0"]).unwrap().settings;
        assert_eq!(told.unlock_after, Some(Duration::from_secs(5400)));
        assert!(told.holder.id().starts_with("whipstaff-0_"), "{}", told.holder.id());
        for wrong in ["0", "soon", "-1h"] {
            let error = read(&["--unlock-after", wrong]).unwrap_err();
            assert_eq!(error, format!("invalid argument {wrong:?} for \"--unlock-after\" flag: a time such as 24h"));
        }
    }

    #[test]
    fn defaults_are_those_of_the_server() {
        let (ours, its) = (read(&[]).unwrap().config, server::Config::default());
        assert_eq!((ours.listen, ours.retention, ours.grace), (its.listen, its.retention, its.grace));
        assert_eq!((ours.limits, ours.auth), (its.limits, its.auth));
        assert_eq!((ours.refresh_interval, ours.cache_size), (its.refresh_interval, its.cache_size));
        assert_eq!((ours.repository_hosts, ours.registries), (its.repository_hosts, its.registries));
    }

    #[test]
    fn what_cannot_be_meant_together_is_refused() {
        for (args, text) in [
            (&["--sandbox-listen=127.0.0.1:1"][..], "--sandbox-listen needs --sandbox"),
            (&["--sandbox", "--kubeconfig=k"], "--sandbox and --kubeconfig exclude each other"),
            (&["--listen=here"], "invalid argument \"here\" for \"--listen\" flag"),
            (&["--log-format=xml"], "one of text, json"),
            (&["--log=a=b=c"], "for \"--log\" flag"),
            (&["--otlp-endpoint=collector:4317"], "an address such as http://127.0.0.1:4318"),
            (&["--tiller-listen=0.0.0.0:44134"], "whoever reaches this address acts with the server's rights"),
            (
                &["--tiller-listen=[::1]:1", "--tiller-key-file=k"],
                "`tiller-cert-file` and `tiller-key-file` go together",
            ),
            (&["--tiller-listen=[::1]:1", "--tiller-storage=sql"], "`sql` is no storage of Tiller"),
            (&["--limit-requests=0"], "a number above zero"),
            (&["--limit-read-time=0s"], "a time above zero"),
            (&["--refresh-interval=0s"], "a time above zero"),
            (&["--allow-repository-hosts=https://x"], "`https://x` is no host such as"),
            (&["--allow-registries=ghcr.io/a,ghcr.io/a:1.0.0"], "a place in a registry such as ghcr.io/example"),
        ] {
            let error = read(args).unwrap_err();
            assert!(error.contains(text), "{args:?}: {error}");
        }
    }
}
