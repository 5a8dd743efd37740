//! Bytes that may be more than one Secret holds, in as many as it takes.

use std::collections::BTreeMap;

use api::Problem;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};

use crate::home::{Home, KIND, code};

/// What one Secret holds of it; the limit of Kubernetes is a mebibyte for all of its data.
const PIECE: usize = 900 << 10;
/// The most pieces that are read.
const MAX_PIECES: usize = 128;
/// How many are written or read at a time.
const PARALLEL: usize = 4;
const COUNT: &str = "whipstaff.dev/pieces";
const NOTE: &str = "whipstaff.dev/note";
const BYTES: &str = "bytes";

impl Home {
    /// Keeps bytes under a name, with a note about them; the first piece goes last, and without it nothing is there.
    /// Bytes that are there already are left as they are.
    pub(crate) async fn save(&self, kind: &str, name: &str, note: String, bytes: &[u8]) -> Result<(), Box<Problem>> {
        let pieces: Vec<&[u8]> = if bytes.is_empty() { vec![bytes] } else { bytes.chunks(PIECE).collect() };
        let count = pieces.len();
        let write = |(place, piece): (usize, Vec<u8>), note: Option<String>| async move {
            let annotations =
                note.map(|note| BTreeMap::from([(COUNT.to_owned(), count.to_string()), (NOTE.to_owned(), note)]));
            // Only the first piece has the label of its kind, so that lists find each thing once.
            let kind = if place == 0 { kind.to_owned() } else { format!("{kind}-piece") };
            let secret = Secret {
                metadata: ObjectMeta {
                    name: Some(piece_name(name, place)),
                    labels: Some(BTreeMap::from([(KIND.to_owned(), kind.clone())])),
                    annotations,
                    ..ObjectMeta::default()
                },
                type_: Some(format!("whipstaff.dev/{kind}.v1")),
                data: Some(BTreeMap::from([(BYTES.to_owned(), ByteString(piece))])),
                ..Secret::default()
            };
            match self.secrets()?.create(&PostParams::default(), &secret).await {
                Ok(_) => Ok(()),
                Err(error) if code(&error) == Some(409) => Ok(()),
                Err(error) => Err(self.refused(error)),
            }
        };
        let mut rest: Vec<(usize, Vec<u8>)> = pieces.into_iter().map(<[u8]>::to_vec).enumerate().collect();
        let first = rest.remove(0);
        stream::iter(rest).map(|piece| write(piece, None)).buffer_unordered(PARALLEL).try_collect::<()>().await?;
        write(first, Some(note)).await
    }

    /// Reads what is kept under a name, with its note; `None` when it is not there, or not whole.
    pub(crate) async fn load(&self, name: &str) -> Result<Option<(String, Bytes)>, Box<Problem>> {
        let read = |place: usize| async move {
            let found = self.secrets()?.get_opt(&piece_name(name, place)).await.map_err(|e| self.refused(e))?;
            Ok::<_, Box<Problem>>(found)
        };
        let Some(first) = read(0).await? else { return Ok(None) };
        let annotation = |key: &str| first.metadata.annotations.as_ref()?.get(key).cloned();
        let count = annotation(COUNT).and_then(|count| count.parse().ok()).unwrap_or(1_usize).min(MAX_PIECES);
        let note = annotation(NOTE).unwrap_or_default();
        let rest: Vec<Option<Secret>> = stream::iter(1..count).map(read).buffered(PARALLEL).try_collect().await?;
        let mut bytes = Vec::new();
        for piece in std::iter::once(Some(first)).chain(rest) {
            let Some(data) = piece.and_then(|mut piece| piece.data.as_mut()?.remove(BYTES)) else { return Ok(None) };
            bytes.extend(data.0);
        }
        Ok(Some((note, bytes.into())))
    }

    /// Returns the names and notes of all that is kept of a kind.
    pub(crate) async fn notes(&self, kind: &str) -> Result<Vec<(String, String)>, Box<Problem>> {
        let params = ListParams::default().labels(&format!("{KIND}={kind}"));
        let found = self.secrets()?.list_metadata(&params).await.map_err(|e| self.refused(e))?;
        let note = |object: kube::core::PartialObjectMeta<Secret>| {
            let name = object.metadata.name?.strip_suffix(".0")?.to_owned();
            Some((name, object.metadata.annotations?.remove(NOTE)?))
        };
        Ok(found.items.into_iter().filter_map(note).collect())
    }

    /// Writes another note.
    pub(crate) async fn annotate(&self, name: &str, note: &str) -> Result<(), Box<Problem>> {
        let secrets = self.secrets()?;
        let Some(mut first) = secrets.get_opt(&piece_name(name, 0)).await.map_err(|e| self.refused(e))? else {
            return Ok(());
        };
        first.metadata.annotations.get_or_insert_default().insert(NOTE.to_owned(), note.to_owned());
        match secrets.replace(&piece_name(name, 0), &PostParams::default(), &first).await {
            Ok(_) => Ok(()),
            // Somebody else has written one, too.
            Err(error) if matches!(code(&error), Some(404 | 409)) => Ok(()),
            Err(error) => Err(self.refused(error)),
        }
    }

    /// Drops what is kept under a name, the first piece first.
    pub(crate) async fn discard(&self, name: &str) -> Result<(), Box<Problem>> {
        let secrets = self.secrets()?;
        let mut place = 0;
        while place < MAX_PIECES {
            match secrets.delete(&piece_name(name, place), &DeleteParams::default()).await {
                Ok(_) => {}
                Err(error) if code(&error) == Some(404) && place > 0 => return Ok(()),
                Err(error) if code(&error) == Some(404) => {}
                Err(error) => return Err(self.refused(error)),
            }
            place += 1;
        }
        Ok(())
    }
}

fn piece_name(name: &str, place: usize) -> String {
    format!("{name}.{place}")
}
