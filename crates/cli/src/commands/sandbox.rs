//! `whipstaff sandbox`: a Kubernetes API in memory, for whoever speaks to one.

use std::net::SocketAddr;
use std::path::Path;

use crate::command::{Call, Command, PLAIN};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group};
use crate::output::print;

static FLAGS: Group = Group {
    title: "Serving",
    flags: &[
        Flag::text("listen", "ADDR", "the address to listen on; loopback only, port 0 is any").or("127.0.0.1:8081"),
        Flag::text("write-kubeconfig", "FILE", "write a kubeconfig file that leads to it"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "sandbox",
    usage: "sandbox",
    about: "serve an in-memory Kubernetes API",
    long: "Serves a Kubernetes API that holds its objects in memory and forgets them when it ends. Deployments roll out,\n\
           Jobs complete and claims are bound, but nothing is run. `whipstaff`, `helm` and `kubectl` may all be its\n\
           clients; whoever can reach the address may do everything, so only loopback addresses are listened on.",
    examples: &[
        "whipstaff sandbox --write-kubeconfig /tmp/sandbox.yaml",
        "KUBECONFIG=/tmp/sandbox.yaml whipstaff install shop ./mychart --wait",
    ],
    flags: &[&FLAGS],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let text = call.flags.text("listen");
    let wrong =
        |error| Fail::new(format!("invalid argument {text:?} for \"--listen\" flag: {error}, as in 127.0.0.1:8081"));
    let address: SocketAddr = text.parse().map_err(wrong)?;
    if !address.ip().is_loopback() {
        fail!("the sandbox has no secrets to keep: it listens on loopback only");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(address, call.flags.some("write-kubeconfig")))
}

async fn serve(address: SocketAddr, kubeconfig: Option<&str>) -> Outcome {
    let cannot = |error| Fail::new(format!("cannot listen on {address}: {error}"));
    let listener = tokio::net::TcpListener::bind(address).await.map_err(cannot)?;
    let server = format!("http://{}", listener.local_addr()?);
    if let Some(path) = kubeconfig {
        std::fs::write(Path::new(path), self::kubeconfig(&server))
            .map_err(|error| Fail::new(format!("cannot write `{path}`: {error}")))?;
    }
    print(&format!("the sandbox's Kubernetes API is on {server}\n"))?;
    let sandbox = ::sandbox::Sandbox::default();
    tokio::select! {
        result = sandbox.serve(listener) => Ok(result?),
        () = super::serve::shutdown() => Ok(()),
    }
}

/// A kubeconfig file that leads to the sandbox. There is no token in it: over plain HTTP nobody would send it.
fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: sandbox\n\
         clusters:\n- name: sandbox\n  cluster:\n    server: {server}\n\
         contexts:\n- name: sandbox\n  context:\n    cluster: sandbox\n    user: sandbox\n\
         users:\n- name: sandbox\n  user: {{}}\n"
    )
}
