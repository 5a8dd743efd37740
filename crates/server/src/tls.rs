//! TLS with a certificate from files, which may be exchanged while the server runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

/// Where the certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, and those that lead to its authority, as PEM.
    pub certificate: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
    /// How often to look whether they have changed.
    pub look: Duration,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("`{}` is of no use: {text}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        text: String,
    },
    /// The library refuses.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] rustls::Error),
}

/// The certificate that connections are begun with now.
#[derive(Debug)]
struct Current {
    files: Tls,
    provider: Arc<CryptoProvider>,
    loaded: RwLock<Loaded>,
}

#[derive(Clone, Debug)]
struct Loaded {
    key: Arc<CertifiedKey>,
    hash: [u8; 32],
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.loaded.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

impl Current {
    /// Takes what the files have now, if it is another certificate that can be used.
    fn reload(&self) {
        let hash = self.loaded.read().unwrap_or_else(PoisonError::into_inner).hash;
        match load(&self.files, &self.provider, Some(hash)) {
            Ok(Some(loaded)) => {
                *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                tracing::info!(certificate = %self.files.certificate.display(), "the certificate was exchanged");
            }
            Ok(None) => {}
            // Both files are not written at the same moment; the next look may find them whole.
            Err(error) => tracing::warn!(%error, "the certificate that was there before stays"),
        }
    }
}

/// Reads the files; nothing when they are what they were.
fn load(files: &Tls, provider: &CryptoProvider, before: Option<[u8; 32]>) -> Result<Option<Loaded>, TlsError> {
    let read = |path: &Path| std::fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source });
    let (certificate, key) = (read(&files.certificate)?, read(&files.key)?);
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(&certificate));
    hash.update(Sha256::digest(&key));
    let hash: [u8; 32] = hash.finalize().into();
    if before == Some(hash) {
        return Ok(None);
    }
    let wrong = |path: &Path, text: String| TlsError::Content { path: path.to_owned(), text };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(&files.certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(&files.certificate, "there is no certificate in it".to_owned()));
    }
    // The error says what is wrong and nothing of what is in the file.
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| wrong(&files.key, error.to_string()))?;
    let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| wrong(&files.key, error.to_string()))?;
    Ok(Some(Loaded { key: Arc::new(key), hash }))
}

/// What makes connections secret; ends its looking at the files when it is dropped.
pub(crate) struct Listener {
    pub(crate) acceptor: TlsAcceptor,
    looking: tokio::task::JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

impl Listener {
    /// Reads the files, and goes on looking whether they change.
    pub(crate) fn new(files: &Tls) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let Some(loaded) = load(files, &provider, None)? else {
            return Err(TlsError::Content { path: files.certificate.clone(), text: "it is empty".to_owned() });
        };
        let current = Current { files: files.clone(), provider: provider.clone(), loaded: RwLock::new(loaded) };
        let current = Arc::new(current);
        // TLS 1.2 and 1.3: the library has nothing older.
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let every = files.look;
        let looking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let current = current.clone();
                // Files may be on a network.
                let _ = tokio::task::spawn_blocking(move || current.reload()).await;
            }
        });
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), looking })
    }
}
