//! Keys and certificates (as Sprig 2.22: `crypto.go`).

use gotext::GoType::{Int, List as Items, String as Str};
use gotext::{Function, GoType};

use super::f;
use crate::functions::args::text;
use crate::functions::crypto::{certificates, keys};
use crate::functions::host;

const CERTIFICATE: GoType = GoType::Named("sprig.certificate");

pub(super) const TABLE: &[Function] = &[
    f("genPrivateKey", "Makes a private key: rsa, dsa or ecdsa.", &[Str], None, |c, a| {
        let made = match &*text(a, 0) {
            "ed25519" => "Unknown type ed25519".to_owned(),
            kind => keys::generate(&mut host(c)?.random, kind),
        };
        Ok(c.arena.str(made))
    }),
    f(
        "genSignedCert",
        "Makes a certificate signed by an authority.",
        &[Str, Items, Items, Int, CERTIFICATE],
        None,
        certificates::signed_by_rsa,
    ),
    f("buildCustomCert", "Makes a certificate of its parts in base64.", &[Str, Str], None, certificates::custom_rsa),
];
