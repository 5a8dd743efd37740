//! The tables: Helm's, as Helm 4.3: `pkg/storage/driver/sql.go`, and one of ours beside them.

use sqlx::{Connection, Executor, PgConnection};

/// Helm's migrations in the order in which it runs them, by name.
const MIGRATIONS: [(&str, &str); 2] = [
    (
        "custom_labels",
        "CREATE TABLE custom_labels_v1 (releasekey VARCHAR(64), releasenamespace VARCHAR(67), key VARCHAR(317), value VARCHAR(63));
         CREATE INDEX ON custom_labels_v1 (releasekey, releasenamespace);
         GRANT ALL ON custom_labels_v1 TO PUBLIC;
         ALTER TABLE custom_labels_v1 ENABLE ROW LEVEL SECURITY;",
    ),
    (
        "init",
        "CREATE TABLE releases_v1 (
           key VARCHAR(90), type VARCHAR(64) NOT NULL, body TEXT NOT NULL, name VARCHAR(64) NOT NULL,
           namespace VARCHAR(64) NOT NULL, version INTEGER NOT NULL, status TEXT NOT NULL, owner TEXT NOT NULL,
           createdat INTEGER NOT NULL, modifiedat INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (key, namespace));
         CREATE INDEX ON releases_v1 (key, namespace);
         CREATE INDEX ON releases_v1 (version);
         CREATE INDEX ON releases_v1 (status);
         CREATE INDEX ON releases_v1 (owner);
         CREATE INDEX ON releases_v1 (createdat);
         CREATE INDEX ON releases_v1 (modifiedat);
         GRANT ALL ON releases_v1 TO PUBLIC;
         ALTER TABLE releases_v1 ENABLE ROW LEVEL SECURITY;",
    ),
];

/// The table that notes which migrations have been run; it is the one of Helm's library, `sql-migrate` 1.8.
const LOG: &str =
    "CREATE TABLE IF NOT EXISTS gorp_migrations (id TEXT NOT NULL PRIMARY KEY, applied_at TIMESTAMP WITH TIME ZONE)";

/// What we note beside a record. It is not among the migrations: Helm refuses to go on with one that it does not know.
/// `written` is the version of the row that the marks belong to, so that they end with it when Helm writes the record.
const MARKS: &str = "CREATE TABLE IF NOT EXISTS whipstaff_marks_v1 (
       key VARCHAR(90), namespace VARCHAR(64), written TEXT NOT NULL, holder TEXT, successor BIGINT, died BOOLEAN NOT NULL,
       PRIMARY KEY (key, namespace));
     GRANT ALL ON whipstaff_marks_v1 TO PUBLIC;
     ALTER TABLE whipstaff_marks_v1 ENABLE ROW LEVEL SECURITY;";

/// Serialises what several processes of ours would create at once.
const TURN: &str = "SELECT pg_advisory_xact_lock(hashtext('whipstaff'))";

/// Makes the tables that are not there, and says whether there is one for marks.
pub(super) async fn prepare(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    if !is_ready(connection).await? {
        match migrate(connection).await {
            // Helm has been at it at the same time.
            Err(_) if is_ready(connection).await? => {}
            done => done?,
        }
    }
    if there(connection, "whipstaff_marks_v1").await? {
        return Ok(true);
    }
    let mut change = connection.begin().await?;
    change.execute(TURN).await?;
    match sqlx::raw_sql(MARKS).execute(&mut *change).await {
        Ok(_) => {}
        // Who may not create tables has Helm's rules and no more.
        Err(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("42501" | "25006")) => {
            change.rollback().await?;
            return Ok(false);
        }
        Err(error) => return Err(error),
    }
    change.commit().await?;
    Ok(true)
}

async fn there(connection: &mut PgConnection, table: &'static str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(table).fetch_one(connection).await
}

async fn is_ready(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    if !there(connection, "gorp_migrations").await? {
        return Ok(false);
    }
    let done: i64 = sqlx::query_scalar("SELECT count(*) FROM gorp_migrations WHERE id IN ('custom_labels', 'init')")
        .fetch_one(connection)
        .await?;
    Ok(done == 2)
}

async fn migrate(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut change = connection.begin().await?;
    change.execute(TURN).await?;
    change.execute(LOG).await?;
    for (id, statements) in MIGRATIONS {
        let noted = "INSERT INTO gorp_migrations VALUES ($1, clock_timestamp()) ON CONFLICT DO NOTHING";
        if sqlx::query(noted).bind(id).execute(&mut *change).await?.rows_affected() == 1 {
            sqlx::raw_sql(statements).execute(&mut *change).await?;
        }
    }
    change.commit().await
}
