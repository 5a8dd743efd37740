//! Whom to trust, and who we are (as Helm 4.3: `internal/tlsutil/tls.go`).

use std::fmt::Display;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::{Access, Pem};

/// Trusts the authorities of the machine.
pub(super) fn usual(roots: &[Certificate<'static>]) -> TlsConfig {
    with(RootCerts::new_with_certs(roots), None, false)
}

/// Trusts and shows what the access says; `roots` are for when it says nothing of whom to trust.
pub(super) fn own<'r>(
    access: &Access,
    roots: impl FnOnce() -> &'r [Certificate<'static>],
) -> Result<TlsConfig, String> {
    let pair = pair(&access.certificate, &access.key);
    let authorities = access.authorities.read("can't read CA file");
    // Go tells both, a line each.
    let (pair, authorities) = match (pair, authorities) {
        (Ok(pair), Ok(authorities)) => (pair, authorities),
        (Err(first), Err(second)) => return Err(format!("{first}\n{second}")),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
    };
    let mine = pair.map(|(certificate, key)| client(&certificate, &key)).transpose()?;
    let roots = match authorities.is_empty() {
        true => RootCerts::new_with_certs(roots()),
        false => {
            let found = certificates(&authorities);
            if found.is_empty() {
                return Err("failed to append certificates from pem block".to_owned());
            }
            RootCerts::new_with_certs(&found)
        }
    };
    Ok(with(roots, mine, access.insecure))
}

fn with(roots: RootCerts, mine: Option<ClientCert>, insecure: bool) -> TlsConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = TlsConfig::builder().root_certs(roots).client_cert(mine).disable_verification(insecure);
    config.unversioned_rustls_crypto_provider(provider).build()
}

/// Reads certificate and key, when there is any of them.
fn pair(certificate: &Pem, key: &Pem) -> Result<Option<(Vec<u8>, Vec<u8>)>, String> {
    if certificate.is_empty() && key.is_empty() {
        return Ok(None);
    }
    // Half a pair is read as Helm reads it: the file without a name is not there.
    let whole = |half: &Pem| if half.is_empty() { Pem::File(String::new()) } else { half.clone() };
    let (certificate, key) = (whole(certificate), whole(key));
    Ok(Some((certificate.read("unable to read cert file")?, key.read("unable to read key file")?)))
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    parse_pem(pem).filter_map(certificate).collect()
}

fn client(certificate: &[u8], key: &[u8]) -> Result<ClientCert, String> {
    let chain = certificates(certificate);
    if chain.is_empty() {
        return Err(
            "unable to load cert from key pair: tls: failed to find any PEM data in certificate input".to_owned()
        );
    }
    let key = parse_pem(key).find_map(|item| match item {
        Ok(PemItem::PrivateKey(key)) => Some(key),
        _ => None,
    });
    let Some(key) = key else {
        return Err("unable to load cert from key pair: tls: failed to find any PEM data in key input".to_owned());
    };
    fits(&chain, &key)?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

/// Refuses a key that is of another certificate, or cannot be used: the client would panic over it.
fn fits(chain: &[Certificate<'static>], key: &PrivateKey<'static>) -> Result<(), String> {
    let failed = |why: &dyn Display| format!("unable to load cert from key pair: tls: {why}");
    let der = PrivateKeyDer::try_from(key.der().to_vec()).map_err(|_| failed(&"failed to parse private key"))?;
    let chain = chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
    match CertifiedKey::from_der(chain, der, &rustls::crypto::ring::default_provider()) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => Err(failed(&"private key does not match public key")),
        Err(error) => Err(failed(&error)),
    }
}
