//! The settings of `serve` that say who may ask, and how in secret.

use std::path::PathBuf;

use server::{Auth, Config, Oidc, Tls};

use crate::fail::{Fail, Outcome, fail};
use crate::serving::Effective;

/// Puts what the settings say into a configuration.
pub(crate) fn read(settings: &Effective, config: Config) -> Outcome<Config> {
    let mut auth = Auth { audiences: settings.list("token-audience").to_vec(), ..Auth::default() };
    for kind in settings.list("auth") {
        match kind.trim() {
            "tokenreview" => auth.token_review = true,
            "apikey" => auth.api_keys = true,
            "oidc" => auth.oidc = Some(oidc(settings)?),
            other => return Err(settings.wrong_text("auth", other, &"one of tokenreview, apikey, oidc")),
        }
    }
    if auth.oidc.is_none()
        && let Some(name) = ["oidc-issuer", "oidc-audience"].iter().find(|name| settings.some(name).is_some())
    {
        fail!("{} needs --auth oidc", settings.called(name));
    }
    let tls = match (settings.some("tls-cert-file"), settings.some("tls-key-file")) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            Some(Tls { certificate: certificate.into(), key: key.into(), look: settings.some_time("tls-look")? })
        }
        _ => fail!("--tls-cert-file and --tls-key-file need each other"),
    };
    let network = |text: &String| {
        text.trim().parse().map_err(|error: String| settings.wrong_text("trusted-proxies", text, &error))
    };
    Ok(Config {
        auth,
        tls,
        insecure_http: settings.on("insecure-http"),
        trusted_proxies: settings.list("trusted-proxies").iter().map(network).collect::<Outcome<_>>()?,
        open_metrics: settings.on("open-metrics"),
        ..config
    })
}

fn oidc(settings: &Effective) -> Outcome<Oidc> {
    let text = |name: &str| settings.text(name).to_owned();
    let ca = match settings.some("oidc-ca-file").map(PathBuf::from) {
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

    fn read(args: &[&str]) -> Result<Config, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let settings = Effective::read(&parse(crate::serving::FLAGS, &args).unwrap(), &|_| None);
        settings.and_then(|settings| super::read(&settings, Config::default())).map_err(|fail| fail.text)
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
