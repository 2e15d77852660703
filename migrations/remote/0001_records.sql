-- The shared database. One table of records, one counter of revisions, one row a machine.
-- Applied by whichever machine comes first, as one transaction.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- The epoch names this database's life: a replaced remote has another one, and cursors made under the old epoch
-- mean nothing in the new.
INSERT INTO meta (key, value) VALUES
  ('epoch', lower(hex(randomblob(16)))),
  ('min_protocol', '1'),
  ('gc_floor', '0');

CREATE TABLE seq (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  value INTEGER NOT NULL
);
INSERT INTO seq (one, value) VALUES (1, 0);

CREATE TABLE records (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,
  rev         INTEGER,            -- given by the triggers below, never by a client
  base_rev    INTEGER,            -- the revision this version was edited from; null when it was created
  hlc         TEXT NOT NULL,      -- hybrid logical clock of this version: who wrote it, and when
  clocks      TEXT,               -- JSON: clock of each field that was ever edited, '*' for the others
  scope       TEXT NOT NULL CHECK (scope IN ('global', 'user', 'machine')),
  user_id     TEXT,
  machine_id  TEXT NOT NULL,      -- where it was recorded
  timestamp   INTEGER NOT NULL,   -- ms since the epoch
  deleted_at  INTEGER,
  purged_at   INTEGER,
  last_editor TEXT NOT NULL,      -- machine id of this version's writer
  schema      INTEGER NOT NULL,   -- version of the body's shape
  key_id      TEXT,               -- which key encrypts the body; null: none
  codec       TEXT NOT NULL,      -- how the body is packed; 'json': as text
  body        TEXT,
  digest      TEXT                -- SHA-256 of the body, hex; null after an edit by hand
);

CREATE INDEX records_by_rev ON records (rev);

-- A machine's heartbeat has no revision: it must not become a download for everyone else.
CREATE TABLE nodes (
  machine_id      TEXT PRIMARY KEY,
  incarnation     TEXT NOT NULL,
  hostname        TEXT,
  version         TEXT,
  push_seq        INTEGER NOT NULL DEFAULT 0,
  last_push_id    TEXT,
  last_pulled_rev INTEGER NOT NULL DEFAULT 0,
  queue_depth     INTEGER NOT NULL DEFAULT 0,
  first_seen      INTEGER NOT NULL,
  last_seen       INTEGER NOT NULL
);

-- Revisions: strictly increasing in commit order, because the counter is bumped in the writing transaction and the
-- server has one writer at a time.
CREATE TRIGGER records_inserted AFTER INSERT ON records BEGIN
  UPDATE seq SET value = value + 1;
  UPDATE records SET rev = (SELECT value FROM seq) WHERE id = NEW.id;
END;

-- The trigger's own update must not bump again: SQLite runs no trigger from within itself unless recursive_triggers is
-- on, which it is not by default, and "rev" is not in the list below. A version whose clock did not change was edited
-- by hand in a shell; it gets a clock of its own, for all of its fields, so that machines take it for news, later than
-- what they had, rather than for their own echo.
CREATE TRIGGER records_updated
AFTER UPDATE OF kind, base_rev, hlc, clocks, scope, user_id, machine_id, timestamp, deleted_at, purged_at,
  last_editor, schema, key_id, codec, body, digest ON records BEGIN
  UPDATE seq SET value = value + 1;
  UPDATE records SET
    rev = (SELECT value FROM seq),
    base_rev = CASE WHEN NEW.hlc = OLD.hlc THEN OLD.rev ELSE NEW.base_rev END,
    last_editor = CASE WHEN NEW.hlc = OLD.hlc THEN 'remote' ELSE NEW.last_editor END,
    digest = CASE WHEN NEW.hlc = OLD.hlc THEN NULL ELSE NEW.digest END,
    clocks = CASE WHEN NEW.hlc = OLD.hlc THEN NULL ELSE NEW.clocks END,
    hlc = CASE WHEN NEW.hlc = OLD.hlc
      THEN printf('%012x-%04x-%012x', CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 0,
                  (SELECT value FROM seq))
      ELSE NEW.hlc END
  WHERE id = NEW.id;
END;

CREATE TRIGGER records_kept BEFORE DELETE ON records
WHEN (SELECT value FROM meta WHERE key = 'collecting') IS NULL BEGIN
  SELECT RAISE(ABORT, 'HD_NO_DELETE records are deleted by setting deleted_at, never by DELETE');
END;

-- What a push claims to know. Inserting into it raises where the claim is wrong, which fails the whole batch.
CREATE VIEW push_guard AS
  SELECT 0 AS protocol, '' AS epoch, 0 AS cursor;

CREATE TRIGGER push_guard_check INSTEAD OF INSERT ON push_guard BEGIN
  SELECT RAISE(ABORT, 'HD_PROTO this historyd is too old for the remote')
    WHERE NEW.protocol < (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'min_protocol');
  SELECT RAISE(ABORT, 'HD_EPOCH the remote is not the database this cache was synchronised with')
    WHERE NEW.epoch <> (SELECT value FROM meta WHERE key = 'epoch');
  SELECT RAISE(ABORT, 'HD_AHEAD the remote is older than what this cache has already seen of it')
    WHERE NEW.cursor > (SELECT value FROM seq);
  SELECT RAISE(ABORT, 'HD_GC_FLOOR this cache was away longer than deleted records are remembered')
    WHERE NEW.cursor < (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'gc_floor');
END;

-- Familiar names for people who look in with a shell.
CREATE VIEW history_all AS
  SELECT id, scope, user_id AS user, machine_id, body ->> 'hostname' AS hostname, body ->> 'kind' AS kind,
         body ->> 'command' AS command, body ->> 'response' AS response, body ->> 'cwd' AS cwd,
         body ->> 'exit_code' AS exit_code, timestamp, deleted_at, rev
  FROM records WHERE kind = 'history' AND codec = 'json' AND key_id IS NULL AND purged_at IS NULL;

CREATE VIEW history_global AS SELECT * FROM history_all WHERE scope = 'global' AND deleted_at IS NULL;
CREATE VIEW history_user AS SELECT * FROM history_all WHERE scope IN ('global', 'user') AND user IS NOT NULL AND deleted_at IS NULL;
CREATE VIEW history_machine AS SELECT * FROM history_all WHERE deleted_at IS NULL;
