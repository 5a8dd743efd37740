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
use tracing_subscriber::EnvFilter;

use crate::command::{Call, Command, PLAIN};
use crate::commands::serve_auth::{self, Guarded};
use crate::commands::serve_clusters::{self, Further};
use crate::connect;
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, Parsed, go_span};
use crate::sample;

static FLAGS: Group = Group {
    title: "Serving",
    flags: &[
        Flag::switch(
            "sandbox",
            "serve an in-process Kubernetes API instead of a cluster; it forgets everything at the end",
        ),
        Flag::text("listen", "ADDR", "the address to listen on; loopback only, unless --auth says who may ask")
            .or("127.0.0.1:8080"),
        Flag::text(
            "sandbox-listen",
            "ADDR",
            "serve the sandbox's Kubernetes API too, for kubectl and helm (127.0.0.1:8081)",
        ),
        Flag::text(
            "kubeconfig",
            "FILE",
            "the kubeconfig file; else $KUBECONFIG, ~/.kube/config, the pod's service account",
        ),
        Flag::text("kube-context", "NAME", "the context of the kubeconfig file"),
        Flag::text(
            "namespace",
            "NAME",
            "the server's own namespace, with its API keys; else $POD_NAMESPACE, the service account's, the context's",
        )
        .short('n'),
        Flag::text(
            "instance",
            "NAME",
            "a name that no other server has at the same time, such as that of a StatefulSet's pod: after a restart, changes that \
             the server was killed in are taken up at once",
        ),
        Flag::text(
            "unlock-after",
            "TIME",
            "take a pending revision of Helm for dead when it is this old (24h); never by default, as Helm leaves no sign of life",
        ),
        Flag::text("context", "NAME", "").hidden(),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "serve",
    usage: "serve",
    about: "serve the REST API",
    long: "Serves the API over the current kubeconfig context, over a pod's service account, or over an in-process\n\
           Kubernetes API (--sandbox) that needs no cluster at all and forgets everything when it ends.\n\n\
           Records are kept where $HELM_DRIVER says. Without --auth everybody on this machine is answered, and nobody else is.\n\
           With --auth each request has a bearer token, and everything is done in the name of whoever it belongs to, so that\n\
           Kubernetes' RBAC decides.",
    examples: &[
        "whipstaff serve --sandbox",
        "whipstaff serve --listen 127.0.0.1:9000 --kube-context staging",
        "whipstaff serve --kube-context staging --cluster prod=admin@prod.example.com --cluster lab",
        "whipstaff serve --listen 0.0.0.0:8443 --auth tokenreview,apikey --tls-cert-file tls.crt --tls-key-file tls.key",
    ],
    flags: &[&FLAGS, &serve_clusters::FLAGS, &serve_auth::FLAGS],
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
    listen: SocketAddr,
    sandbox_listen: Option<SocketAddr>,
    kubeconfig: Option<PathBuf>,
    kube_context: Option<String>,
    settings: Settings,
    namespace: Option<String>,
    guarded: Guarded,
    further: Further,
}

fn address(flags: &Parsed, name: &str) -> Outcome<Option<SocketAddr>> {
    let parse = |text: &str| {
        text.parse().map_err(|error| {
            Fail::new(format!("invalid argument {text:?} for \"--{name}\" flag: {error}, as in 127.0.0.1:8080"))
        })
    };
    flags.some(name).map(parse).transpose()
}

/// What is the same for every change.
fn settings(flags: &Parsed) -> Outcome<Settings> {
    let wrong = |text| Fail::new(format!("invalid argument {text:?} for \"--unlock-after\" flag: a time such as 24h"));
    let age = |text| go_span(text).filter(|age| !age.is_zero()).ok_or_else(|| wrong(text));
    Ok(Settings {
        holder: flags.some("instance").map_or_else(Holder::default, Holder::only),
        unlock_after: flags.some("unlock-after").map(age).transpose()?,
        ..Settings::guarded()
    })
}

/// A variable that says something.
fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn run(call: &Call) -> Outcome {
    // One crypto provider for the whole process; every TLS library of ours is built without one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let flags = &call.flags;
    let context = flags.some("kube-context").or(flags.some("context"));
    let args = Args {
        sandbox: flags.on("sandbox"),
        listen: address(flags, "listen")?.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
        sandbox_listen: address(flags, "sandbox-listen")?,
        kubeconfig: flags.some("kubeconfig").map(PathBuf::from),
        kube_context: context.map(str::to_owned),
        settings: settings(flags)?,
        namespace: flags.some("namespace").map(str::to_owned).or_else(|| given("POD_NAMESPACE")),
        guarded: Guarded::read(flags)?,
        further: Further::read(flags)?,
    };
    if args.sandbox_listen.is_some() && !args.sandbox {
        fail!("--sandbox-listen needs --sandbox");
    }
    let filter = EnvFilter::try_from_env("WHIPSTAFF_LOG").unwrap_or_else(|_| EnvFilter::new("info,kube=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(args)).map_err(|error| Fail::new(format!("{error:#}")))
}

async fn serve(args: Args) -> Result<()> {
    let mut config = args.guarded.apply(server::Config {
        listen: args.listen,
        cluster_hosts: args.further.hosts.clone(),
        ..server::Config::default()
    });
    let listener = server::bind(&config).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    let (client, about) = match args.sandbox {
        true => sandbox(&args).await?,
        false => cluster(&args).await?,
    };
    // Without a word about it, the client's own: the service account's or that of the kubeconfig context.
    config.namespace = args.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let (scheme, is_open) = (if config.tls.is_some() { "https" } else { "http" }, !config.auth.is_on());
    let clock: Clock = Arc::new(Timestamp::now);
    let ledger = connect::ledger(&client, &clock).await.map_err(|fail| anyhow::anyhow!("{}", fail.text))?;
    let engine = Engine::with_ledger(Cluster::new(client), ledger, clock, args.settings.clone());
    let app = server::App::new(config, engine);
    let app = args.further.join(app, args.kubeconfig.as_deref(), &args.settings).await?;
    println!("whipstaff {} serves {about} on {scheme}://{address}", env!("CARGO_PKG_VERSION"));
    if args.sandbox && is_open {
        let archive = chart::pack("hello", &sample::files()).context("cannot pack the sample chart")?;
        let uploaded = app.upload(archive.into()).await.map_err(|problem| anyhow::anyhow!("{}", problem.title))?;
        println!("{}", session(address, &uploaded.digest));
    } else {
        let who = if is_open { "" } else { " -H 'Authorization: Bearer TOKEN'" };
        let base = format!("{scheme}://{address}");
        println!("\nTry:\n  curl -s{who} {base}/v1/clusters/default/releases\nRead: {base}/docs");
    }
    server::serve(listener, app, shutdown()).await?;
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

    #[test]
    fn what_is_said_of_locks_reaches_the_engine() {
        let settings = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            settings(&parse(&[&FLAGS], &args).unwrap()).map_err(|fail| fail.text)
        };
        let plain = settings(&[]).unwrap();
        assert_eq!(plain.unlock_after, None, "a Helm may be waiting for as long as it was told to");
        let told = settings(&["--unlock-after", "1h30m", "--instance=whipstaff-0"]).unwrap();
        assert_eq!(told.unlock_after, Some(Duration::from_secs(5400)));
        assert!(told.holder.id().starts_with("whipstaff-0_"), "{}", told.holder.id());
        for wrong in ["0", "soon", "-1h"] {
            let error = settings(&["--unlock-after", wrong]).unwrap_err();
            assert_eq!(error, format!("invalid argument {wrong:?} for \"--unlock-after\" flag: a time such as 24h"));
        }
    }
}
