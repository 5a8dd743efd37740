//! Records in Postgres, in the tables of Helm 4.3: `pkg/storage/driver/sql.go`.
//!
//! The version of a row is Postgres' own `xmin`, the transaction that wrote it: it changes with whatever anybody writes.

mod dsn;
mod setup;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kube::Client;
use sqlx::postgres::{PgPool, PgPoolOptions, PgRow};
use sqlx::{ConnectOptions, Connection, Row};

use super::{Clock, Ledger, Record, Scope, Stamp, head, storable, user_labels};
use crate::codec;
use crate::error::Error;
use crate::history::{Head, Token};
use crate::marks::Marks;
use crate::name::Key;
use crate::peek::Peek;
use crate::record::Release;

/// How many connections there are at most: as many calls as one change makes at a time.
const CONNECTIONS: u32 = 8;

/// Where Helm puts a release that names no namespace.
const DEFAULT_NAMESPACE: &str = "default";

/// What a statement adds that writes marks, after `written` has the row.
macro_rules! marks {
    () => {
        ", kept AS (INSERT INTO whipstaff_marks_v1 (key, namespace, written, holder, successor, died)
             SELECT $1, $2, v, $9, $10, $11 FROM written WHERE $12
             ON CONFLICT (key, namespace) DO UPDATE SET written = excluded.written, holder = excluded.holder,
               successor = excluded.successor, died = excluded.died),
           dropped AS (DELETE FROM whipstaff_marks_v1 WHERE key = $1 AND namespace = $2 AND NOT $12
             AND EXISTS (SELECT FROM written))"
    };
}

macro_rules! insert {
    ($($marks:expr)?) => {
        concat!(
            "WITH written AS (
               INSERT INTO releases_v1 (key, type, body, name, namespace, version, status, owner, createdat)
               VALUES ($1, 'helm.sh/release.v1', $3, $4, $2, $5, $6, 'helm', $7::text::int)
               ON CONFLICT DO NOTHING RETURNING xmin::text AS v),
             labels AS (INSERT INTO custom_labels_v1
               SELECT $1, $2, l.key, l.value FROM written, jsonb_each_text($8::jsonb) AS l)",
            $($marks,)?
            " SELECT v FROM written"
        )
    };
}

macro_rules! update {
    ($($marks:expr)?, $token:literal) => {
        concat!(
            "WITH written AS (
               UPDATE releases_v1 SET body = $3, name = $4, version = $5, status = $6, owner = 'helm',
                 modifiedat = $7::text::int
               WHERE key = $1 AND namespace = $2 AND xmin::text = ", $token, " RETURNING xmin::text AS v),
             gone AS (DELETE FROM custom_labels_v1 WHERE releasekey = $1 AND releasenamespace = $2
               AND EXISTS (SELECT FROM written)),
             labels AS (INSERT INTO custom_labels_v1
               SELECT $1, $2, l.key, l.value FROM written, jsonb_each_text($8::jsonb) AS l)",
            $($marks,)?
            " SELECT v FROM written"
        )
    };
}

/// The columns of a head, of `releases_v1 r`.
macro_rules! head {
    () => {
        "r.key, r.namespace, r.name, r.version, r.status, r.createdat, r.modifiedat, r.xmin::text AS v,
         coalesce((SELECT jsonb_object_agg(l.key, l.value) FROM custom_labels_v1 l
           WHERE l.releasekey = r.key AND l.releasenamespace = r.namespace AND l.key IS NOT NULL)::text, '{}') AS labels"
    };
}

/// The columns of marks, of `whipstaff_marks_v1 m`, and their table.
macro_rules! marked {
    () => {
        ", m.holder, m.successor, m.died FROM releases_v1 r LEFT JOIN whipstaff_marks_v1 m
           ON m.key = r.key AND m.namespace = r.namespace AND m.written = r.xmin::text"
    };
}

macro_rules! unmarked {
    () => {
        ", NULL::text AS holder, NULL::bigint AS successor, NULL::boolean AS died FROM releases_v1 r"
    };
}

/// Which rows are listed.
macro_rules! listed {
    () => {
        " WHERE r.owner = 'helm' AND ($1::text IS NULL OR r.namespace = $1) AND ($2::text IS NULL OR r.name = $2)"
    };
}

/// Keeps every record in a row of Helm's table `releases_v1`.
#[derive(Clone)]
pub struct SqlLedger {
    pool: PgPool,
    clock: Clock,
    /// Whether there is a table for marks.
    marked: bool,
}

impl SqlLedger {
    /// Connects as a connection string for Go's `lib/pq` says, where `variable` reads the `PG*` variables, and makes the
    /// tables that are not there.
    ///
    /// # Errors
    /// When the string cannot be read, the database cannot be reached, or the tables cannot be made.
    pub async fn connect(
        connection: &str,
        variable: &(dyn Fn(&str) -> Option<String> + Sync),
        clock: Clock,
    ) -> Result<Self, Error> {
        let dsn =
            dsn::parse(connection, variable).map_err(|message| Error::Database { message, is_retryable: false })?;
        let failed = |error| database(error, &dsn.place);
        let options = dsn.options.clone().disable_statement_logging();
        let mut first = options.connect().await.map_err(failed)?;
        let marked = setup::prepare(&mut first).await.map_err(failed)?;
        // A pool would try again for as long as nobody listens; now somebody does.
        let _ = first.close().await;
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(options);
        Ok(Self { pool, clock, marked })
    }

    /// Writes a row and what belongs to it in one statement, that is, all or nothing; the row's version when it was
    /// written.
    async fn write(
        &self,
        release: &Release,
        key: &Key,
        stamp: Stamp,
        old: Option<&Token>,
    ) -> Result<Option<Token>, Error> {
        let body = codec::encode(release).map_err(|source| Error::Encode { key: key.clone(), source })?;
        let at = (self.clock)().as_second().to_string();
        let labels = serde_json::to_string(&release.labels).unwrap_or_default();
        let statement = match (stamp, self.marked) {
            (Stamp::Created, true) => insert!(marks!()),
            (Stamp::Created, false) => insert!(),
            (Stamp::Modified, true) => update!(marks!(), "$13"),
            (Stamp::Modified, false) => update!(, "$9"),
        };
        let mut query = sqlx::query_scalar::<_, String>(statement)
            .bind(key.object_name())
            .bind(&key.namespace)
            .bind(body)
            .bind(&release.name)
            .bind(i64::from(release.version))
            .bind(release.info.status.to_string())
            .bind(at)
            .bind(labels);
        if self.marked {
            let Marks { holder, successor, died } = &release.marks;
            query =
                query.bind(holder).bind(successor.map(i64::from)).bind(died).bind(release.marks != Marks::default());
        }
        if let Some(Token(old)) = old {
            query = query.bind(old);
        }
        Ok(query.fetch_optional(&self.pool).await.map_err(lost)?.map(Token))
    }

    async fn body(&self, key: &Key) -> Result<String, Error> {
        sqlx::query_scalar("SELECT body FROM releases_v1 WHERE key = $1 AND namespace = $2")
            .bind(key.object_name())
            .bind(&key.namespace)
            .fetch_optional(&self.pool)
            .await
            .map_err(lost)?
            .ok_or_else(|| Error::NotFound(key.clone()))
    }
}

#[async_trait]
impl Ledger for SqlLedger {
    fn driver(&self) -> &'static str {
        "SQL"
    }

    fn with_client(&self, _client: &Client) -> Arc<dyn Ledger> {
        Arc::new(self.clone())
    }

    fn limit(&self) -> Option<usize> {
        None
    }

    async fn create(&self, release: &Release) -> Result<Token, Error> {
        let key = placed(storable(release)?);
        match self.write(release, &key, Stamp::Created, None).await? {
            Some(token) => Ok(token),
            None => Err(Error::AlreadyExists(key)),
        }
    }

    async fn update(&self, release: &Release, token: &Token) -> Result<Token, Error> {
        let key = placed(storable(release)?);
        match self.write(release, &key, Stamp::Modified, Some(token)).await? {
            Some(token) => Ok(token),
            None => {
                self.body(&key).await?;
                Err(Error::Conflict(key))
            }
        }
    }

    async fn get(&self, key: &Key) -> Result<Record, Error> {
        let statement = match self.marked {
            true => concat!("SELECT r.body, ", head!(), marked!(), " WHERE r.key = $1 AND r.namespace = $2"),
            false => concat!("SELECT r.body, ", head!(), unmarked!(), " WHERE r.key = $1 AND r.namespace = $2"),
        };
        let row = sqlx::query(statement)
            .bind(key.object_name())
            .bind(&key.namespace)
            .fetch_optional(&self.pool)
            .await
            .map_err(lost)?
            .ok_or_else(|| Error::NotFound(key.clone()))?;
        let body: String = row.try_get("body").map_err(lost)?;
        let mut release =
            codec::decode(body.as_bytes()).map_err(|source| Error::Decode { key: key.clone(), source })?;
        let head = read(&row).map_err(lost)?;
        release.labels = user_labels(head.labels);
        release.marks = head.marks;
        if release.namespace.is_empty() {
            release.namespace.clone_from(&key.namespace);
        }
        Ok(Record { release, token: head.token })
    }

    async fn peek(&self, key: &Key) -> Result<Peek, Error> {
        let body = self.body(key).await?;
        codec::peek(body.as_bytes()).map_err(|source| Error::Decode { key: key.clone(), source })
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let mut change = self.pool.begin().await.map_err(lost)?;
        let mut gone = 0;
        for (statement, wanted) in [
            ("DELETE FROM releases_v1 WHERE key = $1 AND namespace = $2", true),
            ("DELETE FROM custom_labels_v1 WHERE releasekey = $1 AND releasenamespace = $2", true),
            ("DELETE FROM whipstaff_marks_v1 WHERE key = $1 AND namespace = $2", self.marked),
        ] {
            if wanted {
                let query = sqlx::query(statement).bind(key.object_name()).bind(&key.namespace);
                let done = query.execute(&mut *change).await.map_err(lost)?;
                gone += if statement.contains("releases_v1") { done.rows_affected() } else { 0 };
            }
        }
        change.commit().await.map_err(lost)?;
        if gone == 0 { Err(Error::NotFound(key.clone())) } else { Ok(()) }
    }

    async fn heads(&self, scope: &Scope, name: Option<&str>) -> Result<Vec<Head>, Error> {
        let namespace = match scope {
            Scope::All => None,
            Scope::Namespace(namespace) => Some(namespace),
        };
        let statement = match self.marked {
            true => concat!("SELECT ", head!(), marked!(), listed!()),
            false => concat!("SELECT ", head!(), unmarked!(), listed!()),
        };
        let rows = sqlx::query(statement).bind(namespace).bind(name).fetch_all(&self.pool).await.map_err(lost)?;
        rows.iter().map(|row| read(row).map_err(lost)).collect()
    }
}

/// Reads the head of a row.
fn read(row: &PgRow) -> Result<Head, sqlx::Error> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let mut labels: BTreeMap<String, String> = serde_json::from_str(&text("labels")?).unwrap_or_default();
    labels = user_labels(labels);
    let (created, modified): (i32, i32) = (row.try_get("createdat")?, row.try_get("modifiedat")?);
    let (stamp, at) = if modified == 0 { ("createdAt", created) } else { ("modifiedAt", modified) };
    labels.insert(stamp.to_owned(), at.to_string());
    labels.insert("name".to_owned(), text("name")?);
    labels.insert("owner".to_owned(), "helm".to_owned());
    labels.insert("status".to_owned(), text("status")?);
    labels.insert("version".to_owned(), row.try_get::<i32, _>("version")?.to_string());
    let marks = Marks {
        holder: row.try_get("holder")?,
        successor: row.try_get::<Option<i64>, _>("successor")?.and_then(|revision| revision.try_into().ok()),
        died: row.try_get::<Option<bool>, _>("died")?.unwrap_or_default(),
    };
    Ok(head(&text("namespace")?, &text("key")?, Token(text("v")?), labels, marks))
}

/// Where a record is kept.
fn placed(key: Key) -> Key {
    if key.namespace.is_empty() { Key { namespace: DEFAULT_NAMESPACE.to_owned(), ..key } } else { key }
}

/// Why a call on a connection has failed.
fn lost(error: sqlx::Error) -> Error {
    database(error, "")
}

/// Says what went wrong as Go's `lib/pq` says it; `place` is where the database should be.
fn database(error: sqlx::Error, place: &str) -> Error {
    let (message, is_retryable) = match &error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // Connections, transactions that got in each other's way, too many of something, a server that ends.
            let again = ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class));
            (format!("pq: {} ({code})", error.message()), again)
        }
        sqlx::Error::Io(error) if place.is_empty() => (format!("pq: {}", chart::text::io_error(error)), true),
        sqlx::Error::Io(error) => (format!("dial tcp {place}: connect: {}", chart::text::io_error(error)), true),
        sqlx::Error::Tls(error) if error.to_string().contains("does not support TLS") => {
            ("pq: SSL is not enabled on the server".to_owned(), false)
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            (format!("pq: {error}"), true)
        }
        error => (format!("pq: {error}"), false),
    };
    Error::Database { message, is_retryable }
}
