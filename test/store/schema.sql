-- What migrations/cache make, one after another. Written by schema.test.ts; not to be edited.

CREATE INDEX audit_by_record ON audit (record_id) WHERE record_id IS NOT NULL;

CREATE INDEX conflicts_by_record ON conflicts (record_id);

CREATE INDEX conflicts_by_rev ON conflicts (rev) WHERE rev IS NOT NULL;

CREATE INDEX conflicts_open ON conflicts (timestamp) WHERE resolved_at IS NULL AND deleted_at IS NULL AND purged_at IS NULL;

CREATE INDEX history_by_cwd     ON history (cwd, timestamp) WHERE cwd IS NOT NULL;

CREATE INDEX history_by_machine ON history (machine, timestamp);

CREATE INDEX history_by_rev ON history (rev) WHERE rev IS NOT NULL;

CREATE INDEX history_by_session ON history (session_id, timestamp) WHERE session_id IS NOT NULL;

CREATE INDEX history_by_time    ON history (timestamp);

CREATE INDEX history_by_user    ON history (user, timestamp) WHERE user IS NOT NULL;

CREATE INDEX history_deleted ON history (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX outbox_parked ON outbox (seq) WHERE parked IS NOT NULL;

CREATE INDEX set_aside_by_rev ON set_aside (rev);

CREATE TABLE audit (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  at          INTEGER NOT NULL,      -- ms since the epoch
  action      TEXT NOT NULL,
  record_kind TEXT,
  record_id   TEXT,
  machine_id  TEXT NOT NULL,         -- where it was done
  user        TEXT,                  -- null where it is not known here
  details     TEXT                   -- JSON object
) STRICT;

CREATE TABLE conflicts (
  seq            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  record_id      TEXT NOT NULL,
  record_kind    TEXT NOT NULL,
  field          TEXT NOT NULL,
  base_value     TEXT,               -- JSON, as are the next two
  local_value    TEXT,
  remote_value   TEXT,
  local_clock    TEXT NOT NULL,
  remote_clock   TEXT NOT NULL,
  local_machine  TEXT NOT NULL,
  remote_machine TEXT NOT NULL,
  winner         TEXT NOT NULL,
  decided_by     TEXT NOT NULL,
  scope          TEXT NOT NULL,
  user           TEXT,
  machine        INTEGER NOT NULL REFERENCES machines (key),
  timestamp      INTEGER NOT NULL,
  deleted_at     INTEGER,
  purged_at      INTEGER,
  editor         INTEGER NOT NULL REFERENCES machines (key),
  hlc            TEXT NOT NULL,
  clocks         TEXT,
  rev            INTEGER,
  base           TEXT
, omitted TEXT, resolved_at INTEGER, resolution TEXT, resolved_by TEXT) STRICT;

CREATE TABLE counts (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  live    INTEGER NOT NULL,
  pending INTEGER NOT NULL
) STRICT;

CREATE TABLE history (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,   -- order of arrival here, never used again; rowid of the search index
  id          TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL,
  command     TEXT NOT NULL,
  response    TEXT,
  scope       TEXT NOT NULL,
  user        TEXT,
  machine     INTEGER NOT NULL REFERENCES machines (key),
  hostname    TEXT,
  session_id  TEXT,
  cwd         TEXT,
  shell       TEXT,
  exit_code   INTEGER,
  timestamp   INTEGER NOT NULL,
  duration_ms INTEGER,
  tokens_used INTEGER,
  tags        TEXT,                  -- JSON array; null when there are none
  note        TEXT,
  pinned      INTEGER NOT NULL DEFAULT 0,
  context     TEXT,                  -- JSON object; null when empty
  caused_by   TEXT,
  created_at  INTEGER NOT NULL,
  deleted_at  INTEGER,
  purged_at   INTEGER,
  editor      INTEGER NOT NULL REFERENCES machines (key),
  -- what sync knows of the row
  hlc         TEXT NOT NULL,         -- clock of this version
  clocks      TEXT,                  -- JSON: clock of each edited field; null when never edited
  rev         INTEGER,               -- revision this version has, or was edited from; null: the remote has none
  base        TEXT                   -- JSON: values, at that revision, of the fields edited since; null: no edits
) STRICT;

CREATE VIRTUAL TABLE history_fts USING fts5 (
  command, response, note, tags,
  content = 'history_indexed', content_rowid = 'seq',
  tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE machines (
  key INTEGER PRIMARY KEY,
  id  TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE marks (
  rev  INTEGER PRIMARY KEY,
  mark TEXT NOT NULL,
  kept INTEGER NOT NULL              -- whether the remote keeps it when it forgets others
) STRICT;

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  kind      TEXT NOT NULL,
  record_id TEXT NOT NULL UNIQUE,
  queued_at INTEGER NOT NULL,
  parked    TEXT                     -- why the remote does not take it; null: it is to be sent
) STRICT;

CREATE TABLE reconciliations (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  started_at    INTEGER NOT NULL,
  reason        TEXT NOT NULL,
  content       INTEGER NOT NULL,    -- whether contents were compared too
  repair        INTEGER NOT NULL,    -- whether differences were to be mended
  outcome       TEXT NOT NULL,       -- 'equal', 'mended', 'differs' or 'failed'
  compared      INTEGER NOT NULL,    -- records of the remote
  local         TEXT NOT NULL,       -- JSON: count and digest of this side, before
  remote        TEXT NOT NULL,       -- JSON: the same of the other side
  missing_here  INTEGER NOT NULL,
  missing_there INTEGER NOT NULL,
  differing     INTEGER NOT NULL,    -- same revision, other content
  mended        INTEGER NOT NULL,
  requests      INTEGER NOT NULL,
  duration_ms   INTEGER NOT NULL,
  error         TEXT
) STRICT;

CREATE TABLE search_index (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  upto INTEGER NOT NULL
) STRICT;

CREATE TABLE search_index_late (
  seq INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE set_aside (
  record_id TEXT PRIMARY KEY,
  kind      TEXT NOT NULL,
  rev       INTEGER NOT NULL,
  reason    TEXT NOT NULL,
  record    TEXT NOT NULL,
  since     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE spool_files (
  name     TEXT NOT NULL,
  inode    INTEGER NOT NULL,
  position INTEGER NOT NULL,         -- bytes
  PRIMARY KEY (name, inode)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER counts_delete AFTER DELETE ON history WHEN OLD.deleted_at IS NULL AND OLD.purged_at IS NULL BEGIN
  UPDATE counts SET live = live - 1, pending = pending - (OLD.rev IS NULL OR OLD.base IS NOT NULL);
END;

CREATE TRIGGER counts_insert AFTER INSERT ON history WHEN NEW.deleted_at IS NULL AND NEW.purged_at IS NULL BEGIN
  UPDATE counts SET live = live + 1, pending = pending + (NEW.rev IS NULL OR NEW.base IS NOT NULL);
END;

CREATE TRIGGER counts_update AFTER UPDATE OF deleted_at, purged_at, rev, base ON history BEGIN
  UPDATE counts SET
    live = live
      - (OLD.deleted_at IS NULL AND OLD.purged_at IS NULL)
      + (NEW.deleted_at IS NULL AND NEW.purged_at IS NULL),
    pending = pending
      - (OLD.deleted_at IS NULL AND OLD.purged_at IS NULL AND (OLD.rev IS NULL OR OLD.base IS NOT NULL))
      + (NEW.deleted_at IS NULL AND NEW.purged_at IS NULL AND (NEW.rev IS NULL OR NEW.base IS NOT NULL));
END;

CREATE TRIGGER history_fts_delete AFTER DELETE ON history
WHEN OLD.seq <= (SELECT upto FROM search_index) BEGIN
  INSERT INTO history_fts (history_fts, rowid, command, response, note, tags)
  SELECT 'delete', OLD.seq, OLD.command, OLD.response, OLD.note, OLD.tags
  WHERE NOT EXISTS (SELECT 1 FROM search_index_late WHERE seq = OLD.seq);
  DELETE FROM search_index_late WHERE seq = OLD.seq;
END;

CREATE TRIGGER history_fts_update AFTER UPDATE OF command, response, note, tags ON history
WHEN OLD.seq <= (SELECT upto FROM search_index)
  AND (OLD.command IS NOT NEW.command OR OLD.response IS NOT NEW.response
    OR OLD.note IS NOT NEW.note OR OLD.tags IS NOT NEW.tags)
  AND NOT EXISTS (SELECT 1 FROM search_index_late WHERE seq = OLD.seq) BEGIN
  INSERT INTO history_fts (history_fts, rowid, command, response, note, tags)
  VALUES ('delete', OLD.seq, OLD.command, OLD.response, OLD.note, OLD.tags);
  INSERT INTO history_fts (rowid, command, response, note, tags)
  VALUES (NEW.seq, NEW.command, NEW.response, NEW.note, NEW.tags);
END;

CREATE TRIGGER history_late AFTER INSERT ON history WHEN NEW.seq <= (SELECT upto FROM search_index) BEGIN
  INSERT INTO search_index_late (seq) VALUES (NEW.seq);
END;

CREATE VIEW history_cache AS
  SELECT h.id, h.kind, h.command, h.response, h.scope, h.user, m.id AS machine_id, h.hostname, h.session_id, h.cwd,
         h.shell, h.exit_code, h.timestamp, h.duration_ms, h.tokens_used, coalesce(h.tags, '[]') AS tags, h.note,
         h.pinned, coalesce(h.context, '{}') AS context, h.caused_by, h.created_at, h.rev,
         iif(h.rev IS NULL OR h.base IS NOT NULL, 'pending', 'synced') AS sync
  FROM history AS h JOIN machines AS m ON m.key = h.machine
  WHERE h.deleted_at IS NULL AND h.purged_at IS NULL;

CREATE VIEW history_indexed AS
  SELECT seq, command, response, note, tags FROM history
  WHERE seq <= (SELECT upto FROM search_index) AND seq NOT IN (SELECT seq FROM search_index_late);
