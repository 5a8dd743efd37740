//! The flags of `serve` that say who may ask, and how in secret.

use std::path::PathBuf;
use std::time::Duration;

use server::{Auth, Network, Oidc, Tls};

use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, Kind, Parsed};

/// How often the files with the certificate are looked at.
const LOOK: Duration = Duration::from_secs(10);

pub(crate) static FLAGS: Group = Group {
    title: "Who may ask",
    flags: &[
        Flag::of(
            Kind::Slice,
            "auth",
            "KIND",
            "the tokens that are taken: tokenreview (those of the cluster), apikey (`whipstaff key`), oidc; separated by commas",
        ),
        Flag::of(
            Kind::Slice,
            "token-audience",
            "NAME",
            "take tokens of the cluster that are meant for this audience; else those that are meant for the cluster itself",
        ),
        Flag::text("oidc-issuer", "URL", "the issuer whose tokens are taken; https, or of this machine"),
        Flag::text("oidc-audience", "NAME", "whom the issuer's tokens have to be meant for"),
        Flag::text("oidc-username-claim", "NAME", "the claim that names the user").or("sub"),
        Flag::text(
            "oidc-username-prefix",
            "TEXT",
            "what stands before the user's name, `-` for nothing; else the issuer and `#`, unless the claim is `email`",
        ),
        Flag::text("oidc-groups-claim", "NAME", "the claim with the user's groups"),
        Flag::text("oidc-groups-prefix", "TEXT", "what stands before each group"),
        Flag::text(
            "oidc-ca-file",
            "FILE",
            "the authorities that the issuer's certificate may be from; else the system's",
        ),
        Flag::text("tls-cert-file", "FILE", "the certificate to be known by; read again when it changes"),
        Flag::text("tls-key-file", "FILE", "the key of that certificate"),
        Flag::switch(
            "insecure-http",
            "listen beyond this machine without TLS, where tokens can be read by whoever is in between",
        ),
        Flag::of(
            Kind::Slice,
            "trusted-proxies",
            "NETWORK",
            "the proxies, such as 10.0.0.0/8, whose X-Forwarded-For is believed in the audit log",
        ),
        Flag::switch("open-metrics", "show /metrics without a token"),
    ],
};

/// What the flags say.
#[derive(Debug)]
pub(crate) struct Guarded {
    auth: Auth,
    tls: Option<Tls>,
    insecure_http: bool,
    trusted_proxies: Vec<Network>,
    open_metrics: bool,
}

impl Guarded {
    /// Reads the flags.
    pub(crate) fn read(flags: &Parsed) -> Outcome<Self> {
        let wrong = |name: &str, text: &str, why: &dyn std::fmt::Display| {
            Fail::new(format!("invalid argument {text:?} for \"--{name}\" flag: {why}"))
        };
        let mut auth = Auth { audiences: flags.list("token-audience").to_vec(), ..Auth::default() };
        for kind in flags.list("auth") {
            match kind.trim() {
                "tokenreview" => auth.token_review = true,
                "apikey" => auth.api_keys = true,
                "oidc" => auth.oidc = Some(oidc(flags)?),
                other => return Err(wrong("auth", other, &"one of tokenreview, apikey, oidc")),
            }
        }
        if auth.oidc.is_none()
            && let Some(name) = ["oidc-issuer", "oidc-audience"].iter().find(|name| flags.given(name))
        {
            fail!("--{name} needs --auth oidc");
        }
        let tls = match (flags.some("tls-cert-file"), flags.some("tls-key-file")) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(Tls { certificate: certificate.into(), key: key.into(), look: LOOK })
            }
            _ => fail!("--tls-cert-file and --tls-key-file need each other"),
        };
        let network =
            |text: &String| text.trim().parse().map_err(|error: String| wrong("trusted-proxies", text, &error));
        Ok(Self {
            auth,
            tls,
            insecure_http: flags.on("insecure-http"),
            trusted_proxies: flags.list("trusted-proxies").iter().map(network).collect::<Outcome<_>>()?,
            open_metrics: flags.on("open-metrics"),
        })
    }

    /// Puts it into a configuration.
    pub(crate) fn apply(&self, config: server::Config) -> server::Config {
        server::Config {
            auth: self.auth.clone(),
            tls: self.tls.clone(),
            insecure_http: self.insecure_http,
            trusted_proxies: self.trusted_proxies.clone(),
            open_metrics: self.open_metrics,
            ..config
        }
    }
}

fn oidc(flags: &Parsed) -> Outcome<Oidc> {
    let text = |name: &str| flags.text(name).to_owned();
    let ca = match flags.some("oidc-ca-file").map(PathBuf::from) {
        Some(path) => {
            std::fs::read(&path).map_err(|error| Fail::new(format!("cannot read `{}`: {error}", path.display())))?
        }
        None => Vec::new(),
    };
    let oidc = Oidc {
        issuer: text("oidc-issuer"),
        audience: text("oidc-audience"),
        username_claim: text("oidc-username-claim"),
        username_prefix: text("oidc-username-prefix"),
        groups_claim: text("oidc-groups-claim"),
        groups_prefix: text("oidc-groups-prefix"),
        ca,
    };
    oidc.check().map_err(|error| Fail::new(format!("--auth oidc cannot be used: {error}")))?;
    Ok(oidc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::parse;

    fn read(args: &[&str]) -> Result<Guarded, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Guarded::read(&parse(&[&FLAGS], &args).unwrap()).map_err(|fail| fail.text)
    }

    #[test]
    fn who_may_ask_is_what_the_flags_say() {
        assert!(!read(&[]).unwrap().auth.is_on());
        let found = read(&[
            "--auth=tokenreview,apikey",
            "--auth",
            "oidc",
            "--oidc-issuer=https://dex.example.com",
            "--oidc-audience=whipstaff",
            "--trusted-proxies=10.0.0.0/8,::1",
            "--tls-cert-file=c",
            "--tls-key-file=k",
        ])
        .unwrap();
        assert!(found.auth.token_review && found.auth.api_keys);
        assert_eq!(found.auth.oidc.unwrap().username_claim, "sub");
        assert_eq!((found.trusted_proxies.len(), found.tls.unwrap().key), (2, PathBuf::from("k")));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (args, text) in [
            (&["--auth=basic"][..], "invalid argument \"basic\" for \"--auth\" flag: one of tokenreview, apikey, oidc"),
            (
                &["--auth=oidc", "--oidc-audience=w", "--oidc-issuer=http://dex.example.com"],
                "`http://dex.example.com` is no issuer",
            ),
            (&["--auth=oidc", "--oidc-issuer=https://dex.example.com"], "OIDC needs an audience"),
            (&["--oidc-issuer=https://dex.example.com"], "--oidc-issuer needs --auth oidc"),
            (&["--tls-key-file=k"], "--tls-cert-file and --tls-key-file need each other"),
            (&["--trusted-proxies=proxy"], "`proxy` is no range of addresses"),
        ] {
            let error = read(args).unwrap_err();
            assert!(error.contains(text), "{args:?}: {error}");
        }
    }
}
